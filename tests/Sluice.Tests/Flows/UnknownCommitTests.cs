using Sluice.Flows;
using Sluice.Storage;

namespace Sluice.Tests.Flows;

/// <summary>The answer to a commit is lost, and the commit cannot be repeated because its stream was deleted meanwhile.</summary>
public class UnknownCommitTests
{
    private const int Values = 20;

    // More than there are partitions: the run whose stream is deleted shares its partition with others.
    private const int Runs = 40;

    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"], Resume = ResumeMode.PerItem };

    [Fact]
    public async Task TheNextCommitIsNotTakenForAnUnansweredOne()
    {
        await using var lab = new FlowLab();
        HookedStore hooked = new(lab.Store);
        hooked.AfterCommit = async commit =>
        {
            if (commit.Outputs is not [{ Stream: "first" }]) return;
            await lab.Store.DeleteStreamAsync("first");
            throw new StreamStoreException("The answer is lost, as the test wants.");
        };
        using var core = new SupervisorCore(hooked, new() { ReaderTimeout = FlowLab.Patience });
        StoreRetrier calls = core.Calls;
        await WorkGroup.OpenAsync(core, Work.Name, FlowLab.Cancellation);
        foreach (string stream in (string[])["first", "second"])
            await lab.Store.OpenStreamAsync(stream, cancellation: FlowLab.Cancellation);
        AcquireResult taken = await lab.Store.AcquireAsync(FlowNames.Hosts(Work.Name), 0, new("one"), FlowLab.Cancellation);
        using var partition = new WorkPartition(calls, taken.Ownership, taken.State!.LastCommit);

        var gone = await Assert.ThrowsAsync<FlowException>(() => PutAsync("first"));
        Assert.StartsWith("The stream first is not in the store any more", gone.Message, StringComparison.Ordinal);
        await PutAsync("second");                    // the answer is not taken for that of the first commit
        Assert.Equal(1, (await lab.Store.FindStreamAsync("second", FlowLab.Cancellation))!.Items);

        async Task PutAsync(string stream)
        {
            using var entries = new EntryBatch();
            entries.Add("value"u8);
            await partition.CommitAsync(commit => commit with { Outputs = [new(stream, entries)] }, FlowLab.Cancellation);
        }
    }

    [Fact]
    public async Task AnUnansweredCommitLosesNoValuesOfOtherRuns()
    {
        await using var lab = new FlowLab();
        string? deleted = null;
        int commits = 0;
        HookedStore hooked = new(lab.Store);
        hooked.AfterCommit = async commit =>
        {
            string? stream = commit.Outputs.Select(output => output.Stream)
                .FirstOrDefault(name => name.StartsWith("flow-io/", StringComparison.Ordinal));
            if (stream is null || Interlocked.Increment(ref commits) != Runs / 4) return;
            deleted = stream;
            await lab.Store.DeleteStreamAsync(stream);
            throw new StreamStoreException("The answer is lost, as the test wants.");
        };
        Supervisor starter = lab.Join(), host = lab.Join(store: hooked);
        host.Register(Work, CopyAsync);
        Flow flow = Flow.From(Work).Resolve();
        FlowRun[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i =>
            starter.StartAsync(flow, Enumerable.Range(i * Values, Values).Select(k => IOVal.Of("x", k)),
            cancellation: FlowLab.Cancellation)));

        string[] failed = await Task.WhenAll(runs.Select(ReadAsync));

        Assert.Equal($"flow-io/{Assert.Single(failed, run => run.Length > 0)}/y", deleted);
        foreach (FlowRun run in runs) await run.DisposeAsync();

        // The id of the run if the run has failed, otherwise an empty text.
        async Task<string> ReadAsync(FlowRun run, int i)
        {
            try
            {
                List<int> values = await FlowLab.ReadAsync(run.Output<int>("y")).WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
                Assert.Equal(Enumerable.Range(i * Values, Values), values);
                await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
                return "";
            }
            catch (FlowException)
            {
                return run.Id;
            }
        }
    }

    private static async Task CopyAsync(IO<int> x, IOWriter<int> y)
    {
        await foreach (int value in x.StreamAsync()) await y.WriteAsync(value);
    }
}
