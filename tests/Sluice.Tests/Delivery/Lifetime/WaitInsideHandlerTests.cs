using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>A handler that waits for the end of its own consecutor or run would wait for itself: the call fails, or warns, with the
/// reason.</summary>
public class WaitInsideHandlerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(true, 4)]
    public async Task AHandlerThatWaitsForOrStopsItsOwnConsecutorFails(bool hasStore, int lanes)
    {
        await using var store = new MemoryStreamStore();
        Consecutor<string>? self = null;
        Task? background = null;
        await using var other = new Consecutor<int>("other", source => source.ForEach(_ => { }), new() { Store = store });
        await other.StartAsync(Cancellation);
        await using var consecutor = self = new Consecutor<string>("work", source => source.ForEachAsync(async (what, _, cancellation) =>
        {
            await Task.Yield();
            if (what == "idle") await self!.WaitForIdleAsync(cancellation);
            else if (what == "stop")
            {
                // What a handler has started is inside, too, unless the flow is suppressed: it cannot be told from the handler.
                await Assert.ThrowsAsync<InvalidOperationException>(() => Task.Run(() => self!.WaitForIdleAsync(cancellation)));
                using (ExecutionContext.SuppressFlow()) background = Task.Run(() => self!.WaitForIdleAsync(cancellation));
                await self!.StopAsync(cancellation: CancellationToken.None);
            }
            else await other.WaitForIdleAsync(cancellation);
        }) | Stage.Parallel(lanes), new() { Store = hasStore ? store : null, Delivery = DeliveryGuarantee.Replay(0) });
        await consecutor.StartAsync(Cancellation);
        foreach (string what in (string[])["idle", "other"]) await consecutor.SendAsync(what, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
        await consecutor.SendAsync("stop", Cancellation);
        await consecutor.Completion.WaitAsync(Cancellation);            // it has begun
        ConsecutorSnapshot books = consecutor.Snapshot();
        Assert.Equal((1, 2), (books.Completed, books.Dead));
        string[] errors = [.. (await consecutor.ListDeadLettersAsync(Cancellation)
            .ToListAsync(Cancellation)).Select(letter => letter.Error)];
        Assert.Contains(errors, text => text.Contains(
            "WaitForIdleAsync of the consecutor work was called inside of one of its own handlers"));
        Assert.Contains(errors, text => text.Contains("StopAsync of the consecutor work was called inside of one of its own handlers")
            && text.Contains("ExecutionContext.SuppressFlow()"));
        Exception? ofBackground = await Record.ExceptionAsync(() => background!);
        Assert.DoesNotContain("inside of one of its own", ofBackground?.Message ?? "", StringComparison.Ordinal);
    }

    /// <remarks>The clock stands still until the warning is there, and with it the wait for each other.</remarks>
    [Fact]
    public async Task AHandlerThatDisposesItsOwnConsecutorIsReportedAtOnce()
    {
        var clock = new TestClock();
        await using var store = new MemoryStreamStore(clock);
        var warned = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        Consecutor<int>? self = null;
        self = new Consecutor<int>("work", source => source.ForEachAsync(async (_, _, _) =>
        {
            await Task.Yield();
            await self!.DisposeAsync();
        }), new() { Store = store, OnWarning = text => warned.TrySetResult(text), Run = new() { Time = clock } });
        await self.StartAsync(Cancellation);
        await self.SendAsync(1, Cancellation);
        Assert.StartsWith("DisposeAsync of the consecutor work was called inside of one of its own handlers or sinks. ",
            await warned.Task.WaitAsync(Cancellation), StringComparison.Ordinal);
        while (!self.Completion.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            await Task.Yield();
        }
        await self.DisposeAsync();
    }

    [Theory]
    [InlineData(ExecutionMode.MultiThread)]
    [InlineData(ExecutionMode.SingleThread)]
    public async Task AFunctionThatDisposesItsOwnRunIsReportedAtOnce(ExecutionMode mode)
    {
        using var warnings = new WarningListener();
        var clock = new TestClock();
        PipelineRun? run = null;
        Pipeline pipeline = Source.Range(0, int.MaxValue).ForEachAsync(async (_, _, _) => await run!.DisposeAsync());
        PipelineRun started = pipeline.Start(new RunOptions { Mode = mode, OnStarted = made => run = made, Time = clock });
        const string expected = "DisposeAsync of the run that ends with 'sink-1' was called inside of one of its own functions. ";
        while (!warnings.Texts.Any(static text => text.StartsWith(expected, StringComparison.Ordinal))) await Task.Yield();
        while (!started.Completion.IsCompleted)
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            await Task.Yield();
        }
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => started.Completion);
    }

    [Theory]
    [InlineData(ExecutionMode.MultiThread)]
    [InlineData(ExecutionMode.SingleThread)]
    public async Task CancelAsyncCancelsTheRunAndThrowsInsideItsOwnFunctions(ExecutionMode mode)
    {
        PipelineRun? run = null;
        Exception? told = null;
        Pipeline pipeline = Source.Range(0, int.MaxValue)
            .ForEachAsync(async (_, _, _) => told ??= await Record.ExceptionAsync(() => run!.CancelAsync()));
        PipelineRun started = pipeline.Start(new RunOptions { Mode = mode, OnStarted = made => run = made });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => started.Completion.WaitAsync(Cancellation));
        Assert.Contains("CancelAsync was called inside of a function of the run itself",
            Assert.IsType<InvalidOperationException>(told).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ExecutionMode.MultiThread)]
    [InlineData(ExecutionMode.SingleThread)]
    public async Task StopAsyncStopsTheRunAndThrowsInsideItsOwnFunctions(ExecutionMode mode)
    {
        PipelineRun? run = null;
        Exception? told = null;
        int handled = 0;
        Pipeline pipeline = Source.Range(0, int.MaxValue).ForEachAsync(async (_, _, _) =>
        {
            if (handled++ > 0) return;
            try
            {
                await run!.StopAsync(cancellation: CancellationToken.None);
            }
            catch (InvalidOperationException e)
            {
                told = e;
            }
        });
        PipelineRun started = pipeline.Start(new RunOptions { Mode = mode, OnStarted = made => run = made });
        await started.Completion.WaitAsync(Cancellation);
        Assert.Contains("inside of a function of the run itself", told!.Message);
        Assert.InRange(handled, 1, int.MaxValue - 1);
    }
}
