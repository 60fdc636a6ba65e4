namespace Sluice.Tests.Flows;

/// <summary>A commit whose answer is lost, and which cannot be asked for again, as its stream is gone meanwhile.</summary>
public class UnknownCommitTests
{
    private const int Values = 20;

    // More than there are partitions: whichever is deleted shares one with others.
    private const int Runs = 40;

    private static readonly Processor Work = new("work") { Inputs = ["x"], Outputs = ["y"], Resume = Resume.PerItem };

    [Fact]
    public async Task OtherRunsOfThePartitionLoseNothing()
    {
        await using var lab = new FlowLab();
        string? deleted = null;
        HookedStore hooked = new(lab.Store);
        hooked.AfterCommit = async commit =>
        {
            string? stream = commit.Outputs.Select(output => output.Stream).FirstOrDefault(name => name.StartsWith("flow-io/", StringComparison.Ordinal));
            if (stream is null || Interlocked.CompareExchange(ref deleted, stream, null) is not null) return;
            await lab.Store.DeleteStreamAsync(stream);
            throw new StreamStoreException("The answer is lost, as the test wants.");
        };
        Supervisor starter = lab.Join(), host = lab.Join(options => options with { LeaseTime = TimeSpan.FromSeconds(1) }, hooked);
        host.Register(Work, CopyAsync);
        Flow flow = Flow.From(Work).Resolve();
        FlowRun[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i =>
            starter.StartAsync(flow, Enumerable.Range(i * Values, Values).Select(k => IOVal.Of("x", k)), cancellation: FlowLab.Cancellation)));

        string[] failed = await Task.WhenAll(runs.Select(ReadAsync));

        Assert.Equal($"flow-io/{Assert.Single(failed, run => run.Length > 0)}/y", deleted);
        foreach (FlowRun run in runs) await run.DisposeAsync();

        // The run that has failed, or nothing.
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
