using Sluice.Dashboard.Sampling;
using Sluice.Diagnostics;
using Sluice.Flows;

namespace Sluice.Dashboard.Tests.Sampling;

/// <summary>What is said of runs of flows that have failed.</summary>
public sealed class FlowVerdictTests
{
    [Theory]
    [InlineData(true, "Has failed: no luck Mend the cause, and start it again.")]
    [InlineData(false, "Has failed: no luck Mend the cause, and start another run: the store has not kept all inputs of this one.")]
    [InlineData(null, "Has failed: no luck Mend the cause. Its page says whether it can be started again.")]
    public void AFailedRunIsToBeStartedAgainIfItsInputsAreThere(bool? hasInputs, string text)
    {
        var run = new RunLine("r", FlowStatus.Failed, 1, 1, DateTimeOffset.UnixEpoch, "somebody", "no luck") { HasInputs = hasInputs };
        Assert.Equal(text, FlowVerdict.Of(run, null, DateTimeOffset.UnixEpoch, null).Text);
    }

    [Fact]
    public async Task TheCommandThatResumesAProcessorHasItsWholeName()
    {
        string name = new('p', 80);
        await using var store = new MemoryStreamStore();
        await using var supervisor = Supervisor.Attach(store, new() { Name = "host" });
        await using FlowRun run = await supervisor.StartAsync(Flow.From(new Processor(name) { Inputs = ["a"], Outputs = ["b"] }).Resolve(),
            [IOVal.Of("a", 1)], cancellation: TestContext.Current.CancellationToken);
        FlowRunInfo info = await run.GetStatusAsync(TestContext.Current.CancellationToken);
        var hosts = new HostLook(new HashSet<string>(), new Dictionary<string, DateTimeOffset> { [name] = DateTimeOffset.UnixEpoch });
        Assert.EndsWith($"Resume them: `sluice resume STORE work/{name}:hosts`.",
            FlowVerdict.Of(RunLine.Of(info), info, info.StartedAt, hosts).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FailedAttemptsOfTheProcessorThatHasFailedAreCounted()
    {
        await using var store = new MemoryStreamStore();
        await using var supervisor = Supervisor.Attach(store, new() { Name = "host" });
        Processor split = new("split") { Inputs = ["text"], Outputs = ["word"] };
        Processor count = new("count") { Inputs = ["word"], Outputs = ["sum"] };
        supervisor.Register(split, static async Task<string> (IO<string> text) => throw new FormatException(await text.FirstAsync()));
        supervisor.Register(count, static async Task<int> (IO<string> word) => (await word.FirstAsync()).Length);
        FlowRun run = await supervisor.StartAsync(Flow.From(split, count).Resolve(), [IOVal.Of("text", "no")],
            cancellation: TestContext.Current.CancellationToken);
        await using (run)
        {
            await Assert.ThrowsAnyAsync<SluiceException>(() => run.Completion);
            RunLine line;
            do                                       // the inputs leave the store a moment after the end
            {
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
                line = RunLine.Of(await run.GetStatusAsync(TestContext.Current.CancellationToken));
            }
            while (line.HasInputs == true);
            Assert.Equal((FlowStatus.Failed, 1, false), (line.Status, line.FailedAttempts, line.HasInputs));
        }
    }

    /// <summary>A processor with <see cref="Processor.Wait"/> has values to read and no start until its inputs are complete.</summary>
    [Fact]
    public async Task AProcessorThatWaitsForItsInputsIsNotToBeStartedWhileItsServiceLives()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        await using var store = new MemoryStreamStore();
        await using var supervisor = Supervisor.Attach(store, new() { Name = "host" });
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Processor split = new("split") { Inputs = ["text"], Outputs = ["word"] };
        Processor count = new("count") { Inputs = ["word"], Outputs = ["sum"], Wait = true };
        supervisor.Register(split, async (IO<string> text, IOWriter<string> word, CancellationToken stop) =>
        {
            await word.WriteAsync(await text.FirstAsync(stop), stop);
            await end.Task.WaitAsync(stop);
        });
        supervisor.Register(count, static async Task<int> (IO<string> word) => (await word.FirstAsync()).Length);
        FlowRun run = await supervisor.StartAsync(Flow.From(split, count).Resolve(), [IOVal.Of("text", "no")], cancellation: cancellation);
        await using (run)
        {
            FlowRunInfo info = await run.GetStatusAsync(cancellation);
            // The processors are looked at before the streams: `split` may have begun meanwhile.
            while (info.Status != FlowStatus.Running
                || info.Streams.Single(static stream => stream.Name == "word") is not { Written: 1, Readers.Count: > 0 })
                info = await run.GetStatusAsync(cancellation);
            Assert.Equal("Runs.", Verdict(new HashSet<string>()));
            Assert.Equal("`count` has values to read, and no service has begun it: start a service that registers it.",
                Verdict(new HashSet<string> { "count" }));
            end.SetResult();
            await run.Completion.WaitAsync(cancellation);

            string Verdict(HashSet<string> missing) => FlowVerdict.Of(RunLine.Of(info), info, info.StartedAt + TimeSpan.FromSeconds(11),
                new(missing, new Dictionary<string, DateTimeOffset>())).Text;
        }
    }
}
