/** The address of the host, and of this machine's end of the link to it: of a block that is reserved for tests (RFC 2544). */
export const ADDRESS = '198.19.9.2';
const LAPTOP = '198.19.9.1';

/** The files of a host with Grid Engine in its folder, by their paths: see host.sh and node.sh. */
export function hostFiles(shared: readonly string[]): Record<string, string> {
  return {
    link: `${LAPTOP}/30 ${ADDRESS}/30\n`,
    hosts: `127.0.0.1 localhost\n${ADDRESS} gem\n`,
    shared: `${shared.join('\n')}\n`,
    queue: table(QUEUE),
    slots: table(SLOTS),
    scheduler: table(SCHEDULER),
  };
}

function table(values: Readonly<Record<string, string>>): string {
  return `${Object.entries(values)
    .map(([key, value]) => `${key} ${value}`)
    .join('\n')}\n`;
}

/** A queue of two slots, whatever this machine has, and of at most a day: queue_conf(5). */
const QUEUE = {
  qname: 'main.q',
  hostlist: 'gem',
  seq_no: '0',
  load_thresholds: 'NONE',
  suspend_thresholds: 'NONE',
  nsuspend: '1',
  suspend_interval: '00:05:00',
  priority: '0',
  min_cpu_interval: '00:05:00',
  processors: 'UNDEFINED',
  qtype: 'BATCH INTERACTIVE',
  ckpt_list: 'NONE',
  pe_list: 'smp',
  rerun: 'FALSE',
  slots: '2',
  tmpdir: '/tmp',
  shell: '/bin/sh',
  prolog: 'NONE',
  epilog: 'NONE',
  shell_start_mode: 'unix_behavior',
  starter_method: 'NONE',
  suspend_method: 'NONE',
  resume_method: 'NONE',
  terminate_method: 'NONE',
  notify: '00:00:60',
  owner_list: 'NONE',
  user_lists: 'NONE',
  xuser_lists: 'NONE',
  subordinate_list: 'NONE',
  complex_values: 'NONE',
  projects: 'NONE',
  xprojects: 'NONE',
  calendar: 'NONE',
  initial_state: 'default',
  s_rt: 'INFINITY',
  h_rt: '24:0:0',
  s_cpu: 'INFINITY',
  h_cpu: 'INFINITY',
  s_fsize: 'INFINITY',
  h_fsize: 'INFINITY',
  s_data: 'INFINITY',
  h_data: 'INFINITY',
  s_stack: 'INFINITY',
  h_stack: 'INFINITY',
  s_core: 'INFINITY',
  h_core: 'INFINITY',
  s_rss: 'INFINITY',
  h_rss: 'INFINITY',
  s_vmem: 'INFINITY',
  h_vmem: 'INFINITY',
};

/** The parallel environment with which a job gets several slots of one node: sge_pe(5). */
const SLOTS = {
  pe_name: 'smp',
  slots: '99',
  user_lists: 'NONE',
  xuser_lists: 'NONE',
  start_proc_args: 'NONE',
  stop_proc_args: 'NONE',
  allocation_rule: '$pe_slots',
  control_slaves: 'FALSE',
  job_is_first_task: 'TRUE',
  urgency_slots: 'min',
  accounting_summary: 'FALSE',
  qsort_args: 'NONE',
};

/** It looks each second, not each quarter of a minute: sched_conf(5). */
const SCHEDULER = {
  algorithm: 'default',
  schedule_interval: '0:0:1',
  maxujobs: '0',
  queue_sort_method: 'load',
  job_load_adjustments: 'NONE',
  load_adjustment_decay_time: '0:0:0',
  load_formula: 'np_load_avg',
  schedd_job_info: 'true',
  flush_submit_sec: '1',
  flush_finish_sec: '1',
  params: 'none',
  reprioritize_interval: '0:0:0',
  halftime: '168',
  usage_weight_list: 'cpu=1.000000,mem=0.000000,io=0.000000',
  compensation_factor: '5.000000',
  weight_user: '0.250000',
  weight_project: '0.250000',
  weight_department: '0.250000',
  weight_job: '0.250000',
  weight_tickets_functional: '0',
  weight_tickets_share: '0',
  share_override_tickets: 'TRUE',
  share_functional_shares: 'TRUE',
  max_functional_jobs_to_schedule: '200',
  report_pjob_tickets: 'TRUE',
  max_pending_tasks_per_job: '50',
  halflife_decay_list: 'none',
  policy_hierarchy: 'OFS',
  weight_ticket: '0.010000',
  weight_waiting_time: '0.000000',
  weight_deadline: '3600000.000000',
  weight_urgency: '0.100000',
  weight_priority: '1.000000',
  max_reservation: '0',
  default_duration: 'INFINITY',
};
