using Sluice.Flows;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Flows;

/// <summary>A loop that begins at new values does not hold up the writer by the values before them, however many there are.</summary>
public class NewReadingTests
{
    private const int Behind = 1_000;
    private static readonly Processor Source = new("source") { Outputs = ["x"] };
    private static readonly FlowStreamOptions Small = new() { MaxItems = 100 };
    private static readonly long Fits = Small.MaxItems - Small.MaxItems / 4;          // an append has a quarter of the bound at most

    [Fact]
    public async Task OfAResult()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(static options => options with { ReaderTimeout = TimeSpan.FromHours(1) });
        long last = 0;
        var behind = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        service.Register(Source, MakeAsync);
        await using FlowRun run = await service.StartAsync(Flow.From(Source).With("x", Small).Resolve(), [],
            cancellation: FlowLab.Cancellation);
        await behind.Task.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        await using IAsyncEnumerator<int> values = run.Output<int>("x").StreamAsync(ReadFrom.New, FlowLab.Cancellation)
            .GetAsyncEnumerator(FlowLab.Cancellation);
        Task<bool> reading = values.MoveNextAsync().AsTask();
        Assert.True(await reading.WaitAsync(FlowLab.Patience, FlowLab.Cancellation));
        Assert.InRange(values.Current, Behind - 1, Volatile.Read(ref last));
        await run.CancelAsync("enough", FlowLab.Cancellation);

        async IAsyncEnumerable<IOVal> MakeAsync()
        {
            for (int i = 0; ; i++)
            {
                Volatile.Write(ref last, i);
                yield return IOVal.Of("x", i);
                if (i == 2 * Behind) behind.TrySetResult();
                if (i % 100 == 0) await Task.Yield();
            }
        }
    }

    /// <remarks>The clock stands still: no bound is given up.</remarks>
    [Theory]
    [InlineData(ResumeMode.FromScratch)]
    [InlineData(ResumeMode.PerItem)]
    public async Task OfAProcessor(ResumeMode resume)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(static options => options with
        {
            Time = new TestClock(),
            RunRetentionDuration = Timeout.InfiniteTimeSpan
        });
        var tail = new Processor("tail") { Inputs = ["x", "go"], Outputs = ["y"], Resume = resume };
        service.Register(Source, MakeAsync);
        service.Register(tail, async (IO<int> x, IO<int> go, IOWriter<int> y, CancellationToken cancellation) =>
        {
            await go.FirstAsync(cancellation);
            await foreach (int value in x.StreamAsync(ReadFrom.New, cancellation))
            {
                await y.WriteAsync(value, cancellation);
                break;
            }
        });
        // The bound of x is reached while tail has not begun to read it.
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(Source, tail).With("x", Small).Resolve(),
            [IOVal.Stream("go", GoAsync())], cancellation: FlowLab.Cancellation);
        string name = FlowNames.Values(run.Id, "x");
        await lab.UntilAsync(name, async () => (await lab.Store.FindStreamAsync(name, FlowLab.Cancellation))!.Appended > Fits);
        go.SetResult();
        Assert.InRange(await run.Output<int>("y").FirstAsync(FlowLab.Cancellation).AsTask().WaitAsync(FlowLab.Patience,
            FlowLab.Cancellation), Fits, int.MaxValue);
        Assert.DoesNotContain(lab.Warnings, static text => text.Contains("waits for room", StringComparison.Ordinal));
        await run.CancelAsync("enough", FlowLab.Cancellation);

        async IAsyncEnumerable<IOVal> MakeAsync()
        {
            for (int i = 0; ; i++)
            {
                yield return IOVal.Of("x", i);
                if (i % 100 == 0) await Task.Yield();
            }
        }

        async IAsyncEnumerable<int> GoAsync()
        {
            await go.Task;
            yield return 1;
        }
    }
}
