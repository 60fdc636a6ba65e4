namespace Sluice;

/// <summary>The call whose body this flow of execution belongs to: known only where its scope records it, or there is a limit.</summary>
internal static class CurrentCall
{
    private static readonly AsyncLocal<ICall?> OfFlow = new();

    /// <summary>From here on, what runs in this flow belongs to the body of this call, or of none.</summary>
    public static void Enter(ICall? call)
    {
        if (!ReferenceEquals(OfFlow.Value, call)) OfFlow.Value = call;
    }

    /// <summary>The body looks whether a future has ended, because it awaits it.</summary>
    public static void Await(Future future) => OfFlow.Value?.Record?.Await(future);

    /// <summary>The end of a future; the places of the body that waits for it, if it has any, go to others in between.</summary>
    public static Task WaitAsync(Future future) => OfFlow.Value?.Seat is { } seat ? seat.LeaveUntilAsync(future) : FutureEnd.Of(future);
}
