using System.Runtime.CompilerServices;

namespace Sluice;

/// <summary>The body that this flow of execution belongs to. A thread also knows which body it is calling: whatever blocks the thread then blocks that body, even if it belongs to another flow.</summary>
internal static class CurrentCall
{
    private static readonly AsyncLocal<IBody?> OfFlow = new();

    [ThreadStatic]
    private static IBody? starting;

    /// <summary>Null outside of bodies.</summary>
    public static IBody? Body => OfFlow.Value;

    /// <summary>From here on, what runs in this flow belongs to this body, or to none.</summary>
    public static void Enter(IBody? body)
    {
        if (!ReferenceEquals(OfFlow.Value, body)) OfFlow.Value = body;
    }

    /// <summary>This thread calls a body, up to the body's first wait.</summary>
    /// <returns>What to give to <see cref="Begun"/>.</returns>
    public static IBody? Begin(IBody body)
    {
        IBody? around = starting;
        starting = body;
        return around;
    }

    /// <summary>The body has come to its first wait, or to its end.</summary>
    public static void Begun(IBody? around) => starting = around;

    /// <summary>The body looks whether a future has ended, because it awaits it.</summary>
    public static void Await(Future future) => OfFlow.Value?.Call.Record?.Await(future);

    /// <summary>Goes on when a future has ended; the places of the body that waits for it, if it has any, go to others in between.</summary>
    public static void GoOnAfter(Future future, Action continuation, bool staysInContext, bool flowsContext)
    {
        IBody? body = OfFlow.Value;
        string? circle = null;
        if (body?.Seat is { } seat)
        {
            Resumption hop = seat.LeaveUntil(future, out circle);
            GoOnAfter(hop, RefusedAwait.Around(future, circle, continuation), staysInContext, flowsContext);
            return;
        }
        Task end = body is { Call.IsRunning: true } ? BodyFutureEnd.Of(future, body, out circle) : FutureEnd.Of(future);
        GoOnAfter(end, RefusedAwait.Around(future, circle, continuation), staysInContext, flowsContext);
    }

    /// <summary>Goes on when a task that never fails has ended; the places go to others here as well.</summary>
    public static void GoOnAfter(Task task, Action continuation, bool staysInContext, bool flowsContext, bool leavesPlaces)
    {
        if (leavesPlaces && OfFlow.Value?.Seat is { } seat) GoOnAfter(seat.LeaveUntil(task), continuation, staysInContext, flowsContext);
        else GoOnAfter(task, continuation, staysInContext, flowsContext);
    }

    /// <summary>Somebody asks how a future has ended that has not, and would block.</summary>
    /// <exception cref="InvalidOperationException">The future waits for the body that asks.</exception>
    public static void RefuseCircle(Future future)
    {
        if ((OfFlow.Value ?? starting) is { Call.IsRunning: true } body) WaitCircle.Refuse(body, future);
    }

    /// <summary>The body has the task of a future: it may wait for it in any way, so others have its places until the future has ended.</summary>
    public static void Lend(Future future) => OfFlow.Value?.Seat?.LendUntil(future);

    /// <summary>The body waits for a task in one of its flows.</summary>
    public static void Lend(Task task) => OfFlow.Value?.Seat?.LendUntil(task);

    private static void GoOnAfter(Resumption hop, Action continuation, bool staysInContext, bool flowsContext)
        => GoOnAfter(hop.AsTask(), hop.Flow(continuation), staysInContext, flowsContext);

    private static void GoOnAfter(Task task, Action continuation, bool staysInContext, bool flowsContext)
    {
        ConfiguredTaskAwaitable.ConfiguredTaskAwaiter awaiter = task.ConfigureAwait(staysInContext).GetAwaiter();
        if (flowsContext) awaiter.OnCompleted(continuation);
        else awaiter.UnsafeOnCompleted(continuation);
    }
}
