using Sluice.Membership;

namespace Sluice.Flows;

/// <summary>Feeds all inputs of a run that were too large for its first commit, and beats until that is done.</summary>
/// <remarks>Beats come from the heartbeat threads, so a starved thread pool fails no run.</remarks>
internal sealed class FlowFeeds(SupervisorCore core, RunPlan plan, IReadOnlyList<IGrouping<string, IOVal>> inputs, CancellationToken life)
{
    private readonly GroupMember member = new(core.Store, FeedWatch.GroupOf(plan.Run), plan.Starter, core.Instance,
        core.Options.LeaseDuration, core.Options.Time);
    private FlowFeed[] feeds = [];

    /// <summary>Whether the values of an input are being read.</summary>
    public bool IsReading => Array.Exists(feeds, static feed => feed.IsReading);

    /// <summary>Never throws.</summary>
    public async Task RunAsync()
    {
        core.Instance.Begin();
        var heartbeat = new HeartbeatTimer(core.Options.Time, core.Options.LeaseDuration / 3, BeatAsync,
            failure => core.Warn($"A heartbeat of who puts in the inputs of the run {plan.Run} has failed: {failure.Message}"));
        heartbeat.CallNow();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(life, core.Feeding);
        // An input that ignores its token may run for ever. The heartbeats stop, by which readers notice.
        using CancellationTokenRegistration silence = either.Token.UnsafeRegister(
            static heartbeat => _ = ((HeartbeatTimer)heartbeat!).StopAsync(),
            heartbeat);
        try
        {
            feeds = [.. inputs.Select(input => new FlowFeed(core, plan, input, either.Token))];
            await Task.WhenAll(feeds.Select(static feed => feed.RunAsync())).ConfigureAwait(false);
        }
        finally
        {
            await heartbeat.StopAsync().ConfigureAwait(false);
        }
    }

    // On the heartbeat threads, also after each await.
    private async Task BeatAsync()
    {
        try
        {
            await member.BeatAsync(core.Life).ConfigureAwait(true);
        }
        catch (Exception e)
        {
            if (!life.IsCancellationRequested && !core.Feeding.IsCancellationRequested)
                core.Warn($"The store does not take heartbeats of who puts in the inputs of the run {plan.Run}: {e.Message}");
        }
    }
}

/// <summary>
/// Feeds one input that was too large for the first commit of its run, as there is room. Belongs to the service that has started the run.
/// </summary>
internal sealed class FlowFeed(SupervisorCore core, RunPlan plan, IGrouping<string, IOVal> values, CancellationToken life)
{
    private readonly string stream = FlowNames.Values(plan.Run, values.Key);
    private volatile bool isReading;

    /// <summary>Whether its values are being read. They may be code of the user; what follows waits for the store only.</summary>
    public bool IsReading => isReading;

    /// <summary>Never throws: an error fails the stream.</summary>
    public async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        StreamEnd end = StreamEnd.Complete;
        using var choices = new ChoiceLog(core.Calls, FlowNames.StartChoices(plan.Run, values.Key), "start");
        try
        {
            var output = new OutputStream(core.Calls, plan.Run, plan.Stream(values.Key), $"start of {plan.Run}", reports: null, slot: null,
                life)
            {
                Trace = FlowSpans.OfInput(plan)
            };
            PayloadSerializers serializers = core.Options.Serializers.In(FlowNames.Values(plan.Run, values.Key));
            var port = await NumberedOutput.OpenAsync(output, serializers, choices, assignment: null, life).ConfigureAwait(false);
            var own = new FunctionLife(core, $"What is put into {values.Key} of the run {plan.Run}", life);
            isReading = true;
            try
            {
                await using (own.ConfigureAwait(false))
                    foreach (IOVal value in values)
                    {
                        await value.WriteAsync(port, serializers, own.Token).ConfigureAwait(false);
                        if (value.IsStream) life.ThrowIfCancellationRequested();     // it may have ended because of its token
                    }
            }
            finally
            {
                isReading = false;
            }
            await port.FinishAsync(life).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (life.IsCancellationRequested)
        {
            string why = core.Feeding.IsCancellationRequested
                ? $"The service {core.Options.Name}, which has started the run and was putting in {values.Key}, has ended."
                : $"The service {core.Options.Name} has disposed the FlowRun of the run {plan.Run} before all of {values.Key} was put in. "
                + "Keep the FlowRun until its Completion, or give the values at the start.";
            end = RunJson.End(new(null, why, IsCancelled: false));
        }
        catch (Exception e)
        {
            string why = FailureText.MessageOf(e);
            end = RunJson.End(new(null, $"What was put in failed: {why}", IsCancelled: false));
            StreamFailure? known = await FindEndAsync().ConfigureAwait(false);
            if (known is not { IsCancelled: true })
                core.Warn($"The input {values.Key} of the run {plan.Run} has failed: {known?.Error ?? why}");
        }
        if (core.IsAbandoned) return;
        try
        {
            await core.Calls.DoAsync(stream, () => core.Store.EndStreamAsync(stream, end), core.Life).ConfigureAwait(false);
            await StreamRelease.LetGoAsync(core.Calls, stream, core.Life).ConfigureAwait(false);
        }
        catch (Exception e) when (e is StreamStoreException or FlowException or ObjectDisposedException or OperationCanceledException)
        {
            core.Warn($"The input {values.Key} of the run {plan.Run} could not be ended: {e.Message}");
        }
    }

    /// <summary>Finds why another has ended the stream meanwhile, such as a cancellation of the run; null if it is not known. Never throws.
    /// </summary>
    private async Task<StreamFailure?> FindEndAsync()
    {
        try
        {
            StreamInfo? info = await core.Calls.DoAsync([], () => core.Store.FindStreamAsync(stream, core.Life), core.Life)
                .ConfigureAwait(false);
            return info?.End?.Failure is { } failure ? RunJson.Failure(failure) : null;
        }
        catch (Exception e) when (e is SluiceException or ObjectDisposedException or OperationCanceledException)
        {
            return null;
        }
    }
}
