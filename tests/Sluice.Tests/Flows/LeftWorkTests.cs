using System.Runtime.CompilerServices;
using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>A function that may have work left of values that it has passed is called again, also if no further value comes.</summary>
public class LeftWorkTests
{
    private static readonly ProcessorRetry AtOnce = new(3) { Delay = TimeSpan.Zero };

    public enum Ending
    {
        Failure,
        Handover,
        Death,
    }

    [Theory]
    [InlineData(Ending.Failure)]
    [InlineData(Ending.Handover)]
    [InlineData(Ending.Death)]
    public async Task ACheckpointedProcessorFinishesTheLastValueThatThereIs(Ending ending)
    {
        await using var lab = new FlowLab();
        var work = new Processor("work") { Inputs = ["job"], Outputs = ["step"], Resume = ResumeMode.Checkpoint, Retry = AtOnce };
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int calls = 0;
        Supervisor first = Host();
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(work).Resolve(), [IOVal.Stream("job", OneAsync(end.Task))],
            cancellation: FlowLab.Cancellation);
        await using IAsyncEnumerator<string> steps = run.Output<string>("step").StreamAsync(FlowLab.Cancellation)
            .GetAsyncEnumerator(FlowLab.Cancellation);
        Assert.Equal("1.1", await NextAsync());
        if (ending == Ending.Handover) await first.DisposeAsync();
        if (ending == Ending.Death) await first.AbandonAsync();
        if (ending != Ending.Failure) Host();
        Assert.Equal("1.2", await NextAsync());
        Assert.Equal(2, calls);
        end.SetResult();
        Assert.Null(await NextAsync());

        Supervisor Host()
        {
            Supervisor host = lab.Join(static options => options with { Name = "host" });
            host.Register(work, async (IO<int> job, IOWriter<string> step, Checkpoint<int> done, CancellationToken cancellation) =>
            {
                bool isFirst = Interlocked.Increment(ref calls) == 1;
                if (done.Value > 0) await FinishAsync(done.Value);
                await foreach (int one in job.StreamAsync(cancellation))
                {
                    await step.WriteAsync($"{one}.1", cancellation);
                    await done.SaveAsync(one, cancellation);
                    if (isFirst && ending == Ending.Failure) throw new IOException("no paper");
                    if (isFirst) await Task.Delay(Timeout.Infinite, cancellation);
                    await FinishAsync(one);
                }

                async Task FinishAsync(int one)
                {
                    await step.WriteAsync($"{one}.2", cancellation);
                    await done.SaveAsync(-one, cancellation);
                }
            });
            return host;
        }

        async Task<string?> NextAsync()
            => await steps.MoveNextAsync().AsTask().WaitAsync(FlowLab.Patience, FlowLab.Cancellation) ? steps.Current : null;
    }

    [Fact]
    public async Task AFailureBehindAPassedItemIsRetriedWithoutAFurtherValue()
    {
        await using var lab = new FlowLab();
        var work = new Processor("work") { Inputs = ["a", "b"], Resume = ResumeMode.PerItem, Retry = AtOnce };
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int calls = 0;
        lab.Join().Register(work, async (IO<int> a, IO<int> b) =>
        {
            if (Interlocked.Increment(ref calls) > 1) return;
            await foreach (int _ in a.StreamAsync()) break;
            // The second loop passes the item of the first one, and gives up.
            using var giveUp = new CancellationTokenSource();
            await using IAsyncEnumerator<int> values = b.StreamAsync(giveUp.Token).GetAsyncEnumerator(giveUp.Token);
            Task<bool> reading = values.MoveNextAsync().AsTask();
            string name = FlowNames.Values("one", "a");
            await lab.UntilAsync(name, async () => (await lab.Store.FindStreamAsync(name))!.Items == 0);
            await giveUp.CancelAsync();
            await reading;
        });
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(work).Resolve(),
            [IOVal.Stream("a", OneAsync(end.Task)), IOVal.Stream("b", NoneAsync(end.Task))], run: "one",
            cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(2, calls);
        end.SetResult();
    }

    private static async IAsyncEnumerable<int> OneAsync(Task end, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        yield return 1;
        await end.WaitAsync(cancellation);
    }

    private static async IAsyncEnumerable<int> NoneAsync(Task end, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        await end.WaitAsync(cancellation);
        yield break;
    }
}
