using Sluice.Membership;
using Sluice.Policies;

namespace Sluice.Flows;

/// <summary>
/// Watches, for a processor that reads given inputs, the service that feeds them. If the feeder is silent for its lease duration before a
/// stream has ended, the stream fails.
/// </summary>
internal sealed class FeedWatch(SupervisorCore core, RunPlan run, ProcessorPlan plan, CancellationToken life)
{
    private const int LooksPerLeaseTime = 3;         // as often as the starter beats

    /// <summary>The group in which the starter of a run beats while it feeds inputs.</summary>
    public static GroupId GroupOf(string run) => new(FlowNames.Journal(run), "starter");

    /// <summary>Ends when all given inputs of the processor have ended, or the life is cancelled. Never throws.</summary>
    public async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        string[] given = [.. plan.Inputs.Where(input => run.Stream(input).IsGiven)];
        MemberInfo? seen = null;
        Silence silence = default;
        while (given.Length > 0)
        {
            try
            {
                given = await StillOpenAsync(given).ConfigureAwait(false);
                if (given.Length == 0) return;
                long askedAt = core.Options.Time.GetTimestamp();
                GroupInfo? group = await core.Store.FindGroupAsync(GroupOf(run.Run), life).ConfigureAwait(false);
                MemberInfo now = group?.Members.FirstOrDefault(member => member.Name == run.Starter) ?? default;
                TimeSpan lease = now.Name is null ? core.Options.LeaseDuration : now.LeaseDuration;
                silence = now == seen ? silence.Seen(askedAt, lease, core.Options.Time) : Silence.Since(core.Options.Time.GetTimestamp());
                seen = now;
                if (silence.Duration >= lease) await FailAsync(given, lease).ConfigureAwait(false);
            }
            catch (Exception) when (life.IsCancellationRequested)
            {
                return;
            }
            catch (StreamStoreException e)
            {
                core.Warn($"Whether {run.Starter} still puts in {string.Join(", ", given)} of the run {run.Run} is not known: {e.Message}");
                seen = null;                         // the silence begins anew
            }
            await Task.Delay(core.Options.LeaseDuration / LooksPerLeaseTime, core.Options.Time, life)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (life.IsCancellationRequested) return;
        }
    }

    private async Task<string[]> StillOpenAsync(string[] given)
    {
        List<string> open = [];
        foreach (string input in given)
            if (await core.Store.FindStreamAsync(FlowNames.Values(run.Run, input), life).ConfigureAwait(false) is { End: null })
                open.Add(input);
        return [.. open];
    }

    private async Task FailAsync(string[] given, TimeSpan lease)
    {
        foreach (string input in given)
        {
            StreamEnd end =
                RunJson.End(new(null,
                $"The service {run.Starter}, which has started the run and was putting in {input}, has been silent for "
                    + $"{DurationText.Of(lease)}. Start the run again, or put the values in by a processor.", IsCancelled: false));
            await core.Store.EndStreamAsync(FlowNames.Values(run.Run, input), end, life).ConfigureAwait(false);
        }
    }
}
