namespace Sluice;

public abstract partial class Future
{
    /// <summary>The end of a task, where a future is expected: waited for by other steps (<see cref="After"/>), or joined with others.</summary>
    /// <param name="task">Not null.</param>
    public static implicit operator Future(Task task)
        => TaskResult.AsFuture(task ?? throw new ArgumentNullException(nameof(task), "A task was to be waited for by a step, and it is null."))!;

    /// <summary>The end of a task, which must not be awaited elsewhere.</summary>
    /// <param name="task">Any.</param>
    public static implicit operator Future(ValueTask task) => task.AsTask();
}
