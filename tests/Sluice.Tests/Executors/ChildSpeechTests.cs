using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>What is said between a service and a child, and what is remembered of it.</summary>
public class ChildSpeechTests
{
    private const int Items = 100;
    private static readonly Processor Work = new("work") { Inputs = ["x", "other"], Outputs = ["y"], Resume = Resume.PerItem };

    [Fact]
    public async Task NothingIsRememberedOfReadingsThatHaveEnded()
    {
        await using var lab = new FlowLab();
        PlayedChild? child = null;
        int most = 0;
        var functions = new ProcessorFunctions
        {
            {
                Work, async (IO<int> x, IO<int> other, IOWriter<int> y) =>
                {
                    await foreach (int value in x.StreamAsync())
                    {
                        await y.WriteAsync(value + await other.FirstAsync());
                        most = Math.Max(most, child!.Held.Single().Readings);
                    }
                }
            },
        };
        child = await PlayedChild.ExecutingAsync(functions);
        Assert.Equal(Enumerable.Range(1, Items), await RunAsync(lab, child, functions, IOVal.Of("other", 1)));
        Assert.Equal(1, most);                       // that of the loop
    }

    [Fact]
    public async Task OnlyTheLastFailuresAreRememberedAndTheyComeBackAsTheyWere()
    {
        await using var lab = new FlowLab();
        PlayedChild? child = null;
        int most = 0;
        var functions = new ProcessorFunctions
        {
            {
                Work, async (IO<int> x, IO<int> other, IOWriter<int> y) =>
                {
                    FlowException? last = null;
                    await foreach (int value in x.StreamAsync())
                    {
                        last = await Assert.ThrowsAsync<FlowException>(() => other.FirstAsync().AsTask());
                        await y.WriteAsync(value);
                        most = Math.Max(most, child!.Held.Single().Failures);
                    }
                    throw last!;
                }
            },
        };
        child = await PlayedChild.ExecutingAsync(functions);
        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => RunAsync(lab, child, functions, IOVal.Stream("other", FailAsync())));
        Assert.Contains("What was put in failed: no ink", failure.Message, StringComparison.Ordinal);
        Assert.InRange(most, 1, 32);

        static async IAsyncEnumerable<int> FailAsync()
        {
            await Task.Yield();
            if (Environment.ProcessId != 0) throw new IOException("no ink");
            yield return 1;
        }
    }

    private static async Task<List<int>> RunAsync(FlowLab lab, PlayedChild child, ProcessorFunctions functions, IOVal other)
    {
        Supervisor service = lab.Join(options => options with { Executor = child, MaxStarts = 1 });
        service.Register(functions);
        await using FlowRun run = await service.StartAsync(Flow.From(Work).Resolve(), [.. Enumerable.Range(0, Items).Select(value => IOVal.Of("x", value)), other], run: "run", cancellation: FlowLab.Cancellation);
        await run.Completion.WaitAsync(FlowLab.Patience, FlowLab.Cancellation);
        return await FlowLab.ReadAsync(run.Output<int>("y"));
    }
}
