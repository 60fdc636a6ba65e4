using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Programs;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>Functions in child processes read and write streams. The tests use real processes.</summary>
[Collection("child processes")]          // these tests look for, and kill, all children of this process
[StartsProcesses]
public class ProcessExecutorTests
{
    private static CancellationToken Cancellation => FlowLab.Cancellation;

    [Theory]
    [InlineData(ResumeMode.FromScratch)]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task ChildProcessesGiveTheSameResultsAsTheLocalExecutor(ResumeMode resume)
    {
        string[] lines = [.. Enumerable.Range(0, 5_000).Select(n => $"line {n}")];
        List<List<string>> results = [];
        foreach (int count in (int[])[0, 2])
        {
            await using var lab = new ProcessExecutorLab();
            results.Add(await ProcessExecutorLab.RunAsync<string>(lab.Join(count), FlowFunctions.Copy(resume), "copy",
                ProcessExecutorLab.Lines("line", ["pid", .. lines])));
            Assert.Empty(lab.Flows.Warnings);
        }
        Assert.Equal(5_001, results[0].Count);
        Assert.Equal(results[0].Skip(1), results[1].Skip(1));
        Assert.EndsWith($"{Environment.ProcessId}", results[0][0], StringComparison.Ordinal);
        Assert.NotEqual(results[0][0], results[1][0]);
    }

    [Fact]
    public async Task EveryWayOfReadingWorksInAChildProcess()
    {
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join();

        List<string> pairs = await ProcessExecutorLab.RunAsync<string>(service, FlowFunctions.Pairs, "pair",
            IOVal.Stream("a", FlowLab.Many([1, 2, 3])), IOVal.Stream("b", FlowLab.Many([4, 5])));
        Assert.Equal(["1-4", "2-5", "3-"], pairs);

        List<string> mixed = await ProcessExecutorLab.RunAsync<string>(service, FlowFunctions.Mix, "mixed",
            ProcessExecutorLab.Lines("a", ["1", "2", "3"]), ProcessExecutorLab.Lines("b", ["4", "5"]), IOVal.Of("c", "newest"));
        Assert.Equal("newest", mixed[0]);
        Assert.Equal(["a 1", "a 2", "a 3", "b 4", "b 5"], mixed.Skip(1).Select(text => text[..3]).Order());

        List<string> shorts = await ProcessExecutorLab.RunAsync<string>(service, FlowFunctions.Split, "short",
            ProcessExecutorLab.Lines("line", ["one", "three", "two"]));
        Assert.Equal(["one", "two"], shorts);

        Assert.NotEmpty(ProcessExecutorLab.Children());
        Assert.Equal(["Hello you!"], await ProcessExecutorLab.RunAsync<string>(service, FlowFunctions.Greet, "greeting",
            IOVal.Of("name", "you")));
        Assert.Empty(lab.Flows.Warnings);
    }

    [Fact]
    public async Task FunctionsAreSpreadOverTheProcesses()
    {
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join(count: 2);
        Flow flow = Flow.From(FlowFunctions.Copy(ResumeMode.FromScratch)).Resolve();
        List<FlowRun> runs = [];
        for (int i = 0; i < 4; i++) runs.Add(await service.StartAsync(flow, [ProcessExecutorLab.Lines("line", ["pid", "wait"])],
            cancellation: Cancellation));
        List<string> pids = [];
        foreach (FlowRun run in runs) pids.Add(await run.Output<string>("copy").FirstAsync(Cancellation));

        Assert.Equal([2, 2], pids.GroupBy(pid => pid).Select(same => same.Count()));
        Assert.DoesNotContain($"{Environment.ProcessId}", pids);
        foreach (FlowRun run in runs) await run.CancelAsync("enough", Cancellation);
        foreach (FlowRun run in runs)
        {
            await Assert.ThrowsAsync<FlowException>(() => run.Completion);
            await run.DisposeAsync();
        }
    }

    [Fact]
    public async Task ProcessorsInChildProcessesPassValuesToEachOther()
    {
        await using var lab = new ProcessExecutorLab();
        Flow flow = Flow.From(FlowFunctions.Copy(ResumeMode.PerItem), FlowFunctions.Total).Resolve();
        await using FlowRun run = await lab.Join().StartAsync(flow,
            [ProcessExecutorLab.Lines("line", Enumerable.Range(1, 29_999).Select(n => $"{n}").Prepend("pid"))], cancellation: Cancellation);

        string[] processes = (await run.Output<string>("first").FirstAsync(Cancellation)).Split(" in ");   // of the copy and of the total
        Assert.Equal(ProcessExecutorLab.Children().Order(), processes.Select(int.Parse).Order());
        Assert.Equal(30_000, await run.Output<int>("lines").FirstAsync(Cancellation));
        await run.Completion;
    }

    [Fact]
    public async Task AFullOutputDoesNotBlockTheOtherOutputs()
    {
        await using var lab = new ProcessExecutorLab();
        Flow flow = Flow.From(FlowFunctions.Twice).With("first", new FlowStreamOptions { MaxItems = 100 }).Resolve();
        int[] numbers = [.. Enumerable.Range(0, 5_000)];
        await using FlowRun run = await lab.Join(configure: options => options with { ReaderTimeout = TimeSpan.FromHours(1) })
            .StartAsync(flow, [IOVal.Stream("a", FlowLab.Many(numbers)), IOVal.Stream("b", FlowLab.Many(numbers))],
            cancellation: Cancellation);

        Assert.Equal(numbers, await FlowLab.ReadAsync(run.Output<int>("second")));
        Assert.Equal(numbers, await FlowLab.ReadAsync(run.Output<int>("first")));
        await run.Completion;
    }

    [Fact]
    public async Task AnExceptionInAChildFailsTheProcessorWithItsMessage()
    {
        await using var lab = new ProcessExecutorLab();
        Flow flow = Flow.From(FlowFunctions.Copy(ResumeMode.FromScratch), FlowFunctions.Total).Resolve();
        await using FlowRun run = await lab.Join().StartAsync(flow, [ProcessExecutorLab.Lines("line", ["a", "throw no good"])], run: "run",
            cancellation: Cancellation);

        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion);

        Assert.Equal("The run run has failed: the processor copy-FromScratch has: FormatException: no good", failure.Message);
        Assert.Equal("copy-FromScratch", failure.Processor);
        FlowRunInfo status = await run.GetStatusAsync(Cancellation);
        Assert.All(status.Processors, processor => Assert.Equal((FlowStatus.Failed, "copy-FromScratch"),
            (processor.Status, processor.Origin)));
        Assert.Contains(lab.Flows.Warnings, text => text.Contains("FormatException: no good", StringComparison.Ordinal)
            && !text.Contains('\n') && !text.Contains(".cs, line", StringComparison.Ordinal));
        Assert.Contains(lab.Flows.Details, text => text.Contains("in another process, System.FormatException: no good",
            StringComparison.Ordinal) && text.Contains("ObeyAsync", StringComparison.Ordinal));
    }

    [Fact]
    public async Task AValueAboveMaxValueBytesFailsInBothDirections()
    {
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join(child: ProcessExecutorLab.Child() with { MaxValueBytes = 1_000_000 });
        Assert.Equal([900_000], (await ProcessExecutorLab.RunAsync<byte[]>(service, FlowFunctions.Large, "bytes",
            IOVal.Of("size", 900_000))).Select(bytes => bytes.Length));

        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => ProcessExecutorLab.RunAsync<byte[]>(service,
            FlowFunctions.Large, "bytes", IOVal.Of("size", 1_000_001)));
        Assert.Contains(
            "A value for the stream bytes has 1,000,001 bytes, and a child process sends 1,000,000 at most "
                + "(ProcessExecutorOptions.MaxValueBytes)", failure.Message, StringComparison.Ordinal);

        failure = await Assert.ThrowsAsync<FlowException>(() => ProcessExecutorLab.RunAsync<string>(service,
            FlowFunctions.Copy(ResumeMode.FromScratch), "copy", IOVal.Of("line", new string('x', 1_000_001))));
        Assert.Contains("and a child process is sent 1,000,000 at most (ProcessExecutorOptions.MaxValueBytes)", failure.Message,
            StringComparison.Ordinal);
    }
}
