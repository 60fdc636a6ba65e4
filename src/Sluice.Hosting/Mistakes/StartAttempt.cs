using Microsoft.Extensions.Hosting;

namespace Sluice.Hosting;

/// <summary>A start of a host. If the host stops before it has started, its services end with a cancellation, which says nothing of the
/// reason: this says it.</summary>
/// <remarks>Thread-safe. The token of the cancellation tells which host it was: a process may have several. An attempt stays when its host
/// is disposed, because a program asks for the reason behind that; so only the last ones are kept, without their hosts.</remarks>
internal sealed class StartAttempt
{
    private const int MaxKept = 64;

    private static readonly Lock Sync = new();
    private static readonly List<StartAttempt> All = [];         // under Sync

    private readonly CancellationToken token, stopping;
    private volatile FailedStartException? failure;

    private StartAttempt(CancellationToken token, CancellationToken stopping) => (this.token, this.stopping) = (token, stopping);

    /// <summary>The failure for good of a unit, if it has stopped the host.</summary>
    public FailedStartException? Failure { get => failure; set => failure = value; }

    /// <summary>Begins an attempt, which ends when the host has started.</summary>
    /// <param name="lifetime">The lifetime of the host.</param>
    /// <param name="token">The token that the host gives to all its services.</param>
    public static StartAttempt Begin(IHostApplicationLifetime lifetime, CancellationToken token)
    {
        var attempt = new StartAttempt(token, lifetime.ApplicationStopping);
        lock (Sync)
        {
            if (All.Count == MaxKept) All.RemoveAt(0);
            All.Add(attempt);
        }
        lifetime.ApplicationStarted.UnsafeRegister(static one => ((StartAttempt)one!).End(), attempt);
        return attempt;
    }

    /// <summary>Returns why the start has stopped that a cancellation belongs to; null if it belongs to none.</summary>
    public static Exception? WhyStopped(OperationCanceledException cancelled)
    {
        CancellationToken token = cancelled.CancellationToken;
        lock (Sync)
        {
            StartAttempt? attempt = All.FindLast(one => (one.token == token || one.stopping == token)
                && one.stopping.IsCancellationRequested);
            return attempt is null ? null : attempt.failure ?? (Exception)new StoppedStartException(cancelled);
        }
    }

    private void End()
    {
        lock (Sync) All.Remove(this);
    }
}
