namespace Framelease.Cli.Tasks;

/// <summary>How followed tasks are shown.</summary>
interface IWatchDisplay
{
    /// <summary>Called when a task changed, or its worker reported; <paramref name="progress"/> is null while no attempt runs.</summary>
    void Show(TaskView task, TaskProgress? progress);

    /// <summary>A line that belongs beside the tasks, for example of a worker's log.</summary>
    void Note(string line);

    /// <summary>Called once, when every task has ended or the watch stops.</summary>
    void Finish();
}
