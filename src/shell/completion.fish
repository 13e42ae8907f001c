function __remote_notebook_words
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l lines (command remote-notebook completion --words $before[2..-1] "$current" 2>/dev/null)
    if test $status -eq 3
        __fish_complete_path "$current"
    end
    test -n "$lines"; and printf '%s\n' $lines
end
complete -c remote-notebook -f -k -a '(__remote_notebook_words)'
