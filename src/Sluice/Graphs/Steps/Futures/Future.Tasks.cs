namespace Sluice.Graphs;

public abstract partial class Future
{
    /// <summary>Converts a task to a future, for steps that wait for it (<see cref="After"/>), or to join it with others.</summary>
    /// <param name="task">The task; not null.</param>
    public static implicit operator Future(Task task)
        => TaskResult.AsFuture(task ?? throw new ArgumentNullException(nameof(task),
        "A task was to be waited for by a step, and it is null."))!;

    /// <summary>Converts a task, which must not be awaited elsewhere, to a future.</summary>
    /// <param name="task">The task.</param>
    public static implicit operator Future(ValueTask task) => task.AsTask();
}
