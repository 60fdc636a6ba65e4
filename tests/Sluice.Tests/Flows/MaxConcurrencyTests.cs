using Sluice.Flows;

namespace Sluice.Tests.Flows;

/// <summary>A function has no slot while it waits, and goes on only when it has a slot again.</summary>
public class MaxConcurrencyTests
{
    /// <summary>The nested run needs the only slot.</summary>
    [Theory]
    [InlineData("completion")]
    [InlineData("results")]
    [InlineData("found")]
    public async Task AFunctionGivesUpItsSlotWhileItWaitsForANestedRun(string how)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { MaxConcurrency = 1 });
        Processor outer = new("outer") { Outputs = ["a"] }, inner = new("inner") { Inputs = ["x"], Outputs = ["b"] };
        int atWork = 0, most = 0;
        service.Register(inner, async (IO<int> x) =>
        {
            int value = await x.FirstAsync();
            most = Math.Max(most, Interlocked.Increment(ref atWork));
            Interlocked.Decrement(ref atWork);
            return value + 1;
        });
        service.Register(outer, async (IOWriter<int> a, CancellationToken cancellation) =>
        {
            Interlocked.Increment(ref atWork);
            await using FlowRun nested = await service.StartAsync(Flow.From(inner).Resolve(), [IOVal.Of("x", 1)], run: "nested",
                cancellation: cancellation);
            Interlocked.Decrement(ref atWork);
            if (how == "completion") await nested.Completion;
            else if (how == "found")
            {
                await using FlowRun found = (await service.FindAsync("nested", cancellation))!;
                await found.Completion;
            }
            int value = await nested.Output<int>("b").FirstAsync(cancellation);
            most = Math.Max(most, Interlocked.Increment(ref atWork));
            await a.WriteAsync(value, cancellation);
            Interlocked.Decrement(ref atWork);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(outer).Resolve(), [], cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.Equal(2, await run.Output<int>("a").FirstAsync(FlowLab.Cancellation));
        Assert.Equal(1, most);
    }

    [Fact]
    public async Task AFunctionTakesItsSlotAgainAfterACancelledWait()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { MaxConcurrency = 1 });
        var reader = new Processor("reader") { Inputs = ["x"], Outputs = ["y"] };
        var other = new Processor("other") { Outputs = ["z"] };
        using var patience = new CancellationTokenSource();
        bool wasCancelled = false;
        var wentOn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var isAtWork = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(reader, async (IO<int> x, IOWriter<int> y) =>
        {
            try
            {
                await foreach (int value in x.StreamAsync(patience.Token)) await y.WriteAsync(value);
            }
            catch (OperationCanceledException)
            {
                wasCancelled = true;
            }
            wentOn.SetResult();
        });
        service.Register(other, async (IOWriter<int> z) =>
        {
            isAtWork.SetResult();
            await go.Task;
            await z.WriteAsync(1);
        });
        await using FlowRun run = await service.StartAsync(Flow.From(reader).Resolve(), [IOVal.Stream("x", OneAsync())],
            cancellation: FlowLab.Cancellation);
        Assert.Equal(1, await run.Output<int>("y").FirstAsync(FlowLab.Cancellation));
        await using FlowRun another = await service.StartAsync(Flow.From(other).Resolve(), [], cancellation: FlowLab.Cancellation);
        await isAtWork.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        try
        {
            await patience.CancelAsync();
            for (int i = 0; i < 10_000 && !wentOn.Task.IsCompleted; i++) await Task.Yield();
            Assert.False(wentOn.Task.IsCompleted);
        }
        finally
        {
            go.SetResult();
        }
        await another.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await wentOn.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        Assert.True(wasCancelled);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);

        async IAsyncEnumerable<int> OneAsync()
        {
            yield return 1;
            await go.Task;
        }
    }
}
