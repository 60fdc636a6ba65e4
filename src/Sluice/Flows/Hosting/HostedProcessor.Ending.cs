namespace Sluice.Flows;

/// <content>How the work of a processor ends: its last commit, and what is told about it.</content>
internal sealed partial class HostedProcessor
{
    private RunEvent Failed(Exception e, ProcessorPlan plan, int attempt = 1)
    {
        StreamFailure failure = StreamFailures.Of(e, Run, processor);
        if (failure.Processor == processor)
        {
            if (attempt > 1) failure = failure with
            {
                Error =
                $"{failure.Error.TrimEnd('.')} (attempt {attempt:N0} of {plan.Retry!.Retries + 1:N0})."
            };
            // Different declarations may be the cause of any failure.
            string? difference = Declarations.Compare(plan, function.Processor, core.Options.Name);
            string advice = "Mend the function or its input, and start another run"
                + $"{(plan.Retry is null ? "; Processor.Retry repeats failures that may pass by themselves" : "")}.";
            (string line, string? details) = FailureLog.Of(e, failure.Error, advice, difference);
            core.Warn($"The processor {processor} of the run {Run} has failed: {line}");
            if (details is not null) core.Tell($"The failure of the processor {processor} of the run {Run}: {details}");
            if (difference is not null) failure = failure with { Error = $"{failure.Error} {difference}" };
        }
        return new(RunEventKind.Failed, core.Options.Name, processor, failure.Error,
            failure.Processor)
        { IsDifference = failure.IsDifference, Attempt = attempt };
    }

    /// <summary>Ends a processor that has staged output: its last commit has the output and the end.</summary>
    /// <returns>The stored row; null if the processor stages nothing.</returns>
    private async Task<Assignment?> EndAsync(Invocation invocation, ProcessorPlan plan, RunEvent end)
    {
        using EntryBatch entry = RunJson.Entry(end);
        Assignment? ended = null;
        bool isDone = await invocation.EndAsync((stored, commit) =>
        {
            ended = stored with { Ended = true, State = null };
            StoreCommit last = commit with
            {
                State = [WorkPartition.Row(ended)],
                Ends = [.. plan.Outputs.Select(output => new EndStream(FlowNames.Values(Run, output), StreamEnd.Complete))]
            };
            StoreCommit whole = last with { Outputs = [.. commit.Outputs, new(FlowNames.Journal(Run), entry)] };
            if (whole.Bytes <= StoreCommit.MaxBytes) return whole;
            // The staged value may be so long that nothing else fits into its commit.
            ended = ended with { IsUntold = true };
            return last with { State = [WorkPartition.Row(ended)] };
        }).ConfigureAwait(false);
        return isDone ? ended : null;
    }

    /// <summary>Reports in the journal that the processor has completed.</summary>
    private Task TellAsync(Assignment ended) => CommitAsync(new(RunEventKind.Completed, core.Options.Name, processor),
        ended with { IsUntold = false }, CancellationToken.None);

    /// <summary>Ends the outputs, reports the end in the journal, and leaves only the readers to close, in one commit.</summary>
    private async Task EndAsync(ProcessorPlan plan, Assignment stored, RunEvent end)
    {
        StreamEnd how = end.Kind == RunEventKind.Completed ? StreamEnd.Complete
            : RunJson.End(new(end.Origin ?? processor, end.Error!, end.Kind == RunEventKind.Cancelled) { IsDifference = end.IsDifference });
        EndStream[] ends = [.. plan.Outputs.Select(output => new EndStream(FlowNames.Values(Run, output), how))];
        await CommitAsync(end, stored with { Ended = true, State = null }, CancellationToken.None, ends).ConfigureAwait(false);
    }

    /// <summary>Ends reads that the function has left behind.</summary>
    private static async Task EndAsync(CancellationTokenSource life)
    {
        await life.CancelAsync().ConfigureAwait(false);
        life.Dispose();
    }

    /// <summary>Closes the processor's readers, releases values without readers, and deletes its choices and its row.</summary>
    private async Task CloseAsync(ProcessorPlan plan)
    {
        string keeper = ReaderNames.Of(processor);
        foreach (string stream in plan.Inputs.Select(input => FlowNames.Values(Run, input)))
        {
            await core.Calls.DoAsync(stream, () => core.Calls.Store.CloseReaderAsync(stream, ReaderNames.Gate(keeper), partition.Lost),
                partition.Lost).ConfigureAwait(false);
            await core.Calls.DoAsync(stream, () => core.Calls.Store.CloseReaderAsync(stream, keeper, partition.Lost), partition.Lost)
                .ConfigureAwait(false);
            await StreamRelease.LetGoAsync(core.Calls, stream, partition.Lost).ConfigureAwait(false);
        }
        foreach (string output in plan.Outputs) await StreamRelease.LetGoAsync(core.Calls, FlowNames.Values(Run, output), partition.Lost)
            .ConfigureAwait(false);
        string choices = FlowNames.Choices(Run, processor);
        await core.Calls.DoAsync(choices, () => core.Calls.Store.DeleteStreamAsync(choices, partition.Lost), partition.Lost)
            .ConfigureAwait(false);
        await ForgetAsync().ConfigureAwait(false);
    }

    private Task ForgetAsync() => partition.CommitAsync(commit => commit with { State = [WorkPartition.NoRow(Run)] });
}
