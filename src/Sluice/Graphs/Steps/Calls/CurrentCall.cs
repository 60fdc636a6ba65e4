namespace Sluice.Graphs;

/// <summary>
/// The body of a step that is running here. It flows with the execution context; besides, a thread knows the body that it is calling,
/// because blocking the thread blocks that body.
/// </summary>
internal static class CurrentCall
{
    private static readonly AsyncLocal<IBody?> OfFlow = new();

    [ThreadStatic]
    private static IBody? starting;

    /// <summary>The body of the current flow; null outside of bodies.</summary>
    public static IBody? Body => OfFlow.Value;

    /// <summary>Sets the body of the current flow; null for none.</summary>
    public static void Enter(IBody? body)
    {
        if (!ReferenceEquals(OfFlow.Value, body)) OfFlow.Value = body;
    }

    /// <summary>Notes that this thread calls a body, up to the body's first wait.</summary>
    /// <returns>The body around it, for <see cref="Begun"/>.</returns>
    public static IBody? Begin(IBody body)
    {
        IBody? around = starting;
        starting = body;
        return around;
    }

    /// <summary>Notes that the body has reached its first wait, or its end.</summary>
    public static void Begun(IBody? around) => starting = around;

    /// <summary>Records that the body awaits a future.</summary>
    public static void Await(Future future) => OfFlow.Value?.Call.Record?.Await(future);

    /// <summary>Continues when a future has ended. A body that waits lends its permits meanwhile.</summary>
    public static void GoOnAfter(Future future, Action continuation, bool staysInContext, bool flowsContext)
    {
        IBody? body = OfFlow.Value;
        string? circle = null;
        if (body?.Permit is { } permit)
        {
            Resumption resumption = permit.LeaveUntil(future, out circle);
            GoOnAfter(resumption, RefusedAwait.Around(future, circle, continuation), staysInContext, flowsContext);
            return;
        }
        Task end = body is { Call.IsRunning: true } ? BodyFutureEnd.Of(future, body, out circle) : FutureEnd.Of(future);
        GoOnAfter(end, RefusedAwait.Around(future, circle, continuation), staysInContext, flowsContext);
    }

    /// <summary>Continues when a task that never fails has ended. A body that waits lends its permits meanwhile.</summary>
    public static void GoOnAfter(Task task, Action continuation, bool staysInContext, bool flowsContext, bool leavesPlaces)
    {
        if (leavesPlaces && OfFlow.Value?.Permit is { } permit)
            GoOnAfter(permit.LeaveUntil(task), continuation, staysInContext, flowsContext);
        else GoOnAfter(task, continuation, staysInContext, flowsContext);
    }

    /// <summary>Throws if blocking on a future would deadlock.</summary>
    /// <exception cref="InvalidOperationException">The future waits for the calling body.</exception>
    public static void RefuseCircle(Future future)
    {
        if ((OfFlow.Value ?? starting) is { Call.IsRunning: true } body) WaitCircle.Refuse(body, future);
    }

    /// <summary>Lends the body's permits until a future has ended, because the body has its task, and may wait for it in any way.</summary>
    public static void Lend(Future future) => OfFlow.Value?.Permit?.LendUntil(future);

    /// <summary>Lends the body's permits until a task that it waits for has ended.</summary>
    public static void Lend(Task task) => OfFlow.Value?.Permit?.LendUntil(task);

    private static void GoOnAfter(Resumption resumption, Action continuation, bool staysInContext, bool flowsContext)
        => GoOnAfter(resumption.AsTask(), resumption.Flow(continuation), staysInContext, flowsContext);

    private static void GoOnAfter(Task task, Action continuation, bool staysInContext, bool flowsContext)
    {
        ConfiguredTaskAwaitable.ConfiguredTaskAwaiter awaiter = task.ConfigureAwait(staysInContext).GetAwaiter();
        if (flowsContext) awaiter.OnCompleted(continuation);
        else awaiter.UnsafeOnCompleted(continuation);
    }
}
