using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>
/// Deletes runs after their retention, and remains of starts that died before their commit. One service sweeps at a time.
/// </summary>
internal sealed class RunSweeper(SupervisorCore core)
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);
    private static readonly TimeSpan FirstLook = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxLook = TimeSpan.FromMinutes(1);

    private Task sweeping = Task.CompletedTask;
    private readonly StartSweeper starts = new(core.Store, core.Options.Name, core.WarnOnce, core.Life);
    private bool hasCompared;
    private long? sweptAt;

    public void Start()
    {
        if (core.Options.RunRetentionDuration != Timeout.InfiniteTimeSpan) sweeping = SweepAsync();
    }

    /// <summary>Ends after the supervisor's life has ended.</summary>
    public Task StopAsync() => sweeping;

    // Never throws.
    private async Task SweepAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Activity.Current = null;                     // calls of the store are no part of the trace in which the service began
        TimeSpan pause = core.Options.RunRetentionDuration / 10;
        pause = pause < Shortest ? Shortest : pause > Longest ? Longest : pause;
        // Services may live for minutes only, or die with the turn: so the turn is looked at more often than runs are.
        TimeSpan look = pause < MaxLook ? pause : MaxLook, wait = look < FirstLook ? look : FirstLook;
        var turn = new SweepTurn(core, look);
        while (!core.Life.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(wait, core.Options.Time, core.Life).ConfigureAwait(false);
                wait = look;
                await core.AskAsync(() => RoundAsync(turn, pause), core.Life).ConfigureAwait(false);
            }
            catch (Exception) when (core.Life.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                if (!core.HasGivenUp) core.Warn($"Runs that have ended could not be removed; it is tried again: {e.Message}");
            }
        }
        await turn.LeaveAsync().ConfigureAwait(false);
    }

    private async Task RoundAsync(SweepTurn turn, TimeSpan pause)
    {
        if (!hasCompared) await ClockSkew.TellAsync(core.Store, core.Store, core.Options.Time, core.Warn, core.Life).ConfigureAwait(false);
        hasCompared = true;
        if (!await turn.IsOursAsync(core.Life).ConfigureAwait(false)) return;
        if (sweptAt is { } swept && core.Options.Time.GetElapsedTime(swept) < pause) return;
        sweptAt = core.Options.Time.GetTimestamp();
        DateTimeOffset now = await core.Store.GetTimeAsync(core.Life).ConfigureAwait(false);          // the store stamps the ends
        List<string> notStarted = [];
        long beatAt = sweptAt.Value;
        await foreach (FlowRunInfo run in FlowReports.ListAsync(core.Calls, core.Life, notStarted.Add, core.WarnOnce)
            .ConfigureAwait(false))
        {
            if ((run.EndedAt ?? run.CancelledAt) is { } ended && now - ended >= core.Options.RunRetentionDuration)
                await RemoveAsync(run).ConfigureAwait(false);
            if (core.Options.Time.GetElapsedTime(beatAt) < turn.BeatInterval) continue;
            if (!await turn.IsOursAsync(core.Life).ConfigureAwait(false)) return;        // many runs: another service has taken over
            beatAt = core.Options.Time.GetTimestamp();
        }
        await starts.SweepAsync(notStarted, now).ConfigureAwait(false);
    }

    // A damaged run stays, and keeps no other one. A cancelled one may have processors that no service can end any more.
    private async Task RemoveAsync(FlowRunInfo run)
    {
        try
        {
            if (await AbandonedWork.FindBusyAsync(core, run, core.Life).ConfigureAwait(false) is null)
                await FlowReports.DeleteAsync(core.Store, run.Run, core.Life).ConfigureAwait(false);
        }
        catch (StreamStoreException e) when (e.IsPermanent && e is not StoreRolledBackException)
        {
            core.WarnOnce($"The run {run.Run} has ended and cannot be removed: {e.Message}");
        }
    }
}
