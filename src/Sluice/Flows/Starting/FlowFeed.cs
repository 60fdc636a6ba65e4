namespace Sluice;

/// <summary>Puts in what a run was started with and is too much for its first commit, as there is room for it. Belongs to the service that has started the run.</summary>
internal sealed class FlowFeed(SupervisorCore core, RunPlan plan, IGrouping<string, IOVal> values, CancellationToken life)
{
    private readonly string stream = FlowNames.Values(plan.Run, values.Key);

    /// <summary>Throws nothing: what goes wrong fails the stream.</summary>
    public async Task RunAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        StreamEnd end = StreamEnd.Complete;
        using var choices = new ChoiceLog(core.Calls, FlowNames.Choices(plan.Run, $"start of {values.Key}"), "start");
        try
        {
            var output = new OutputStream(core.Calls, plan.Run, plan.Stream(values.Key), $"start of {plan.Run}", stalls: null, slot: null, life);
            var port = await NumberedOutput.OpenAsync(output, choices, life).ConfigureAwait(false);
            foreach (IOVal value in values) await value.WriteAsync(port, core.Options.Serializers, life).ConfigureAwait(false);
            await port.FinishAsync(life).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (life.IsCancellationRequested)
        {
            end = RunJson.End(new(null, $"The service {core.Options.Name}, which has started the run and was putting in {values.Key}, has ended.", IsCancelled: false));
        }
        catch (Exception e)
        {
            end = RunJson.End(new(null, $"What was put in failed: {e.Message}", IsCancelled: false));
            core.Warn($"The input {values.Key} of the run {plan.Run} has failed: {e.Message}");
        }
        try
        {
            await core.Store.EndStreamAsync(stream, end).ConfigureAwait(false);
        }
        catch (StreamStoreException e)
        {
            core.Warn($"The input {values.Key} of the run {plan.Run} could not be ended: {e.Message}");
        }
    }
}
