namespace Sluice;

/// <summary>The body that this flow of execution belongs to: known only where its scope records it, or there is a limit.</summary>
internal static class CurrentCall
{
    private static readonly AsyncLocal<IBody?> OfFlow = new();

    /// <summary>Null where there is none, or it is not known.</summary>
    public static IBody? Body => OfFlow.Value;

    /// <summary>From here on, what runs in this flow belongs to this body, or to none.</summary>
    public static void Enter(IBody? body)
    {
        if (!ReferenceEquals(OfFlow.Value, body)) OfFlow.Value = body;
    }

    /// <summary>The body looks whether a future has ended, because it awaits it.</summary>
    public static void Await(Future future) => OfFlow.Value?.Call.Record?.Await(future);

    /// <summary>The end of a future; the places of the body that waits for it, if it has any, go to others in between.</summary>
    public static Task WaitAsync(Future future) => OfFlow.Value?.Seat is { } seat ? seat.LeaveUntilAsync(future) : FutureEnd.Of(future);

    /// <summary>The end of a task that never fails; the places go to others here as well.</summary>
    public static Task WaitAsync(Task task) => OfFlow.Value?.Seat is { } seat ? seat.LeaveUntilAsync(task) : task;
}
