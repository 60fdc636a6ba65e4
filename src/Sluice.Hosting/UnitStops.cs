namespace Sluice.Hosting;

/// <summary>Stops units one after the other, senders before receivers, within the time that the host has.</summary>
/// <remarks>
/// A unit gets the time that is left, less a share for each unit behind it, so that one slow unit does not take all of it. A stop that
/// does not keep to its limit is left behind: it ends with the process. A stop that is cut short waits for no item, so it stops the rest at
/// once: no unit begins items meanwhile. Then the store has a moment to take back what is in flight.
/// </remarks>
internal sealed class UnitStops(ILogger log)
{
    // The store needs it to take back the items in flight.
    private static readonly TimeSpan Reserve = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CutShort = Reserve * 0.75;  // less: a unit says why it ends late
    private static readonly TimeSpan MaxShare = TimeSpan.FromSeconds(1), MinLimit = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan MaxLimit = TimeSpan.FromDays(49);

    /// <summary>The time that the host has for stopping, as a deadline; null if it is no limit.</summary>
    public static TimeSpan? LimitOf(TimeSpan allowed) => allowed >= TimeSpan.Zero && allowed <= MaxLimit ? allowed : null;

    /// <summary>Stops the units, the last one first.</summary>
    /// <param name="started">The units, in the order in which they started.</param>
    /// <param name="allowed">The time that the host has for stopping; infinite for no limit.</param>
    /// <param name="cancellation">Cuts the stop short: items in flight are cancelled.</param>
    public async Task StopAsync(IReadOnlyList<HostedUnit> started, TimeSpan allowed, CancellationToken cancellation)
    {
        bool isLimited = LimitOf(allowed) is not null;
        TimeSpan deadline = allowed > 2 * Reserve ? allowed - Reserve : allowed / 2;
        TimeSpan share = deadline / (2 * Math.Max(1, started.Count));
        if (share > MaxShare) share = MaxShare;
        long begun = TimeProvider.System.GetTimestamp();
        for (int i = started.Count - 1; i >= 0; i--)
        {
            TimeSpan left = deadline - TimeProvider.System.GetElapsedTime(begun) - (i * share);
            TimeSpan? limit = !isLimited ? null : left > MinLimit ? left : MinLimit;
            Task stop = StopAsync(started[i], limit, cancellation);
            TimeSpan bound = limit is { } time ? time + Reserve : Timeout.InfiniteTimeSpan;
            await stop.WaitAsync(bound, TimeProvider.System, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (cancellation.IsCancellationRequested)
            {
                if (!stop.IsCompleted) _ = started[i].StopAsync(CutShort, cancellation);     // an earlier deadline for the same stop
                Task[] rest = [stop, .. started.Take(i).Reverse().Select(unit => StopAsync(unit, CutShort, cancellation))];
                await Task.WhenAll(rest).WaitAsync(Reserve, TimeProvider.System, CancellationToken.None)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                for (int j = 0; j < rest.Length; j++)
                    if (!rest[j].IsCompleted) TellLeftBehind(started[i - j]);
                return;
            }
            if (!stop.IsCompleted) TellLeftBehind(started[i]);
        }
    }

    private void TellLeftBehind(HostedUnit unit)
    {
        try
        {
            HostLog.LeftBehind(log, unit.Title);
        }
        catch (Exception)
        {
            // A log that fails must not keep the other units from being stopped.
        }
    }

    private async Task StopAsync(HostedUnit unit, TimeSpan? limit, CancellationToken cancellation)
    {
        try
        {
            if (await unit.StopAsync(limit, cancellation).ConfigureAwait(false)) HostLog.Stopped(log, unit.Title);
            else HostLog.CutShort(log, unit.Title, unit.Rest);
        }
        catch (Exception e)
        {
            HostLog.FailedToStop(log, unit.Title, e);
        }
    }
}
