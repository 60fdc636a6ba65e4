using Sluice.Flows;
using Sluice.Programs;
using Sluice.Storage;
using Sluice.Tests.Flows;

namespace Sluice.Tests.Executors;

/// <summary>Processors in Python, in real child processes.</summary>
[Collection("child processes")]          // these tests look for, and kill, all children of this process
[StartsProcesses]
public class PythonChildTests
{
    private static CancellationToken Cancellation => FlowLab.Cancellation;

    /// <summary>The original's cases: one processor, a second that waits for it, and a third that reads both.</summary>
    [Fact]
    public async Task OneTwoAndThreeProcessorsWorkInPythonAndInCSharpInAllCombinations()
    {
        string[] places = ["local", "child", "python"];
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var local = new ProcessorFunctions();
        Combined.AddTo(local, "local");
        service.Register(local);
        IExecutor children = Executor.Processes(2, ProcessExecutorLab.Child()), python = PythonLab.Executor();
        foreach (var (place, executor) in new[] { ("child", children), ("python", python) })
            foreach (Processor processor in (Processor[])[Combined.Count(place), Combined.Sum(place), Combined.Pair(place)])
                service.Register(processor, executor);
        int flows = 0;
        foreach (string first in places)
        {
            await CheckAsync(Combined.Count(first));
            foreach (string second in places)
            {
                await CheckAsync(Combined.Count(first), Combined.Sum(second));
                foreach (string third in places) await CheckAsync(Combined.Count(first), Combined.Sum(second), Combined.Pair(third));
            }
        }
        Assert.Equal(3 + 9 + 27, flows);
        Assert.Empty(lab.Warnings);
        Assert.Equal(2, PythonLab.Children().Length);

        async Task CheckAsync(params Processor[] processors)
        {
            flows++;
            await using FlowRun run = await service.StartAsync(Flow.From(processors).Resolve(), [IOVal.Of("n", 10)], allOutputs: true,
                cancellation: Cancellation);
            Assert.Equal(Enumerable.Range(0, 10), await FlowLab.ReadAsync(run.Output<int>("a")).WaitAsync(FlowLab.Patience, Cancellation));
            if (processors.Length > 1) Assert.Equal([45], await FlowLab.ReadAsync(run.Output<int>("b"))
                .WaitAsync(FlowLab.Patience, Cancellation));
            if (processors.Length > 2) Assert.Equal(["0-45", .. Enumerable.Range(1, 9).Select(i => $"{i}-")],
                await FlowLab.ReadAsync(run.Output<string>("c")).WaitAsync(FlowLab.Patience, Cancellation));
            await run.Completion.WaitAsync(FlowLab.Patience, Cancellation);
        }
    }

    [Theory]
    [InlineData("copy-PerItem")]
    [InlineData("copy-plain")]
    public async Task AnExceptionFailsTheFlowWithItsTraceback(string processor)
    {
        await using var lab = new FlowLab();
        await using FlowRun run = await StartAsync(lab, Copy(processor), Lines("line", ["a", "throw no good"]));
        string failure = await PythonLab.FailureAsync(run);
        Assert.StartsWith($"The run run has failed: the processor {processor} has: ValueError: no good\nTraceback (most recent call "
            + "last):\n  File \"", failure, StringComparison.Ordinal);
        Assert.Contains("processors.py\", line ", failure, StringComparison.Ordinal);
        Assert.Contains(", in check\n    raise ValueError(text)\n", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProcessorThatTheModuleDoesNotHaveIsNamedWithItsNeighbours()
    {
        await using var lab = new FlowLab();
        await using FlowRun run = await StartAsync(lab, new("ecoh") { Inputs = ["x"], Outputs = ["y"] }, IOVal.Of("x", 1));
        string failure = await PythonLab.FailureAsync(run);
        Assert.Contains("the processor ecoh has: The Python worker has no function for it. There is no processor \"ecoh\". Near it: echo",
            failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StreamsWithOtherNamesOrTypesAreRefusedBeforeTheFunctionStarts()
    {
        await using var lab = new FlowLab();
        await using FlowRun run = await StartAsync(lab, Echo, IOVal.Of("x", "text"));
        string failure = await PythonLab.FailureAsync(run);
        Assert.Contains("the processor echo has: ", failure, StringComparison.Ordinal);
        Assert.Contains("x", failure, StringComparison.Ordinal);
        Assert.Contains("String", failure, StringComparison.OrdinalIgnoreCase);
        await using FlowRun other = await lab.Join(options => options with { Name = "other" }).StartAsync(
            Flow.From(Echo with { Outputs = ["z"] }).Resolve(), [IOVal.Of("x", 1)], run: "second", cancellation: Cancellation);
        Assert.Contains("z", await PythonLab.FailureAsync(other), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AValueThatCannotBeReadFailsTheReaderWithItsPlace()
    {
        await using var lab = new FlowLab();
        var lines = new Processor("lines") { Inputs = ["order"], Outputs = ["count"] };
        await using (FlowRun bad = await StartAsync(lab, lines, IOVal.Stream("order", FlowLab.Many(
            [new BadOrder(1, null)]))))
        {
            string failure = await PythonLab.FailureAsync(bad);
            Assert.Contains("the processor lines has: PayloadException: The value 1 of the input order of the processor lines (", failure,
                StringComparison.Ordinal);
            Assert.Contains("cannot be read: ", failure, StringComparison.Ordinal);
        }
        await using FlowRun run = await StartAsync(lab, new("words") { Inputs = ["x"], Outputs = ["y"] }, [IOVal.Of("x", 3)], "second");
        FlowException unreadable = await Assert.ThrowsAsync<FlowException>(
            () => run.Output<int>("y").FirstAsync(Cancellation).AsTask().WaitAsync(FlowLab.Patience, Cancellation));
        Assert.Contains("of the stream flow-io/second/y is no int", unreadable.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AValueBeyondTheLimitFailsTheProcessorAndItsChildGoesOn()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var large = new Processor("large") { Inputs = ["x"], Outputs = ["y"] };
        IExecutor python = PythonLab.Executor(count: 1, process: new() { MaxValueBytes = 100_000 });
        service.Register(large, python);
        service.Register(Echo, python);
        await using FlowRun run = await service.StartAsync(Flow.From(large).Resolve(), [IOVal.Of("x", 200_000)],
            cancellation: Cancellation);
        Assert.Contains("it has 200,002 bytes, and 100,000 are allowed (ProcessExecutorOptions.MaxValueBytes).",
            await PythonLab.FailureAsync(run), StringComparison.Ordinal);
        int child = Assert.Single(PythonLab.Children());
        await using FlowRun fits = await service.StartAsync(Flow.From(large).Resolve(), [IOVal.Of("x", 99_998)],
            cancellation: Cancellation);
        Assert.Equal(99_998, (await fits.Output<string>("y").FirstAsync(Cancellation)).Length);
        await fits.Completion;
        Assert.Equal(child, Assert.Single(PythonLab.Children()));
    }

    [Fact]
    public async Task ACancelledFunctionEndsAndCleansUp()
    {
        await using var lab = new FlowLab();
        string file = ProcessExecutorLab.NoFile();
        await using FlowRun run = await StartAsync(lab, new("sleeps") { Inputs = ["x"], Outputs = ["y"] }, IOVal.Of("x", file));
        Assert.Equal(await run.Output<int>("y").FirstAsync(Cancellation), Assert.Single(PythonLab.Children()));
        await run.CancelAsync("enough", Cancellation);
        Assert.Contains("enough", await PythonLab.FailureAsync(run), StringComparison.Ordinal);
        await lab.DisposeAsync();
        Assert.True(File.Exists(file));
        Assert.Empty(PythonLab.Children());
        File.Delete(file);
    }

    [Theory]
    [InlineData("ignores")]
    [InlineData("spins")]
    public async Task AFunctionThatIgnoresItsCancellationIsKilledWithItsChild(string processor)
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var ignores = new Processor(processor) { Inputs = ["x"], Outputs = ["y"] };
        service.Register(ignores, PythonLab.Executor(process: new() { StopTimeout = TimeSpan.FromMilliseconds(200) }));
        await using FlowRun run = await service.StartAsync(Flow.From(ignores).Resolve(), [IOVal.Of("x", "")], cancellation: Cancellation);
        await run.Output<int>("y").FirstAsync(Cancellation);
        await run.CancelAsync("enough", Cancellation);
        Assert.Contains("enough", await PythonLab.FailureAsync(run), StringComparison.Ordinal);
        await service.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, Cancellation);
        Assert.Empty(PythonLab.Children());
    }

    [Fact]
    public async Task AWriterWaitsForTheReadersOfItsOutput()
    {
        await using var lab = new FlowLab();
        string file = ProcessExecutorLab.NoFile();
        var flood = new Processor("flood") { Inputs = ["x"], Outputs = ["y"] };
        Supervisor service = lab.Join(options => options with { ReaderTimeout = TimeSpan.FromHours(1) });
        IExecutor python = PythonLab.Executor(count: 1);
        service.Register(flood, python);
        service.Register(Echo, python);
        await using FlowRun run = await service.StartAsync(Flow.From(flood).With("y", new FlowStreamOptions { MaxItems = 100 }).Resolve(),
            [IOVal.Of("x", file)], cancellation: Cancellation);
        await using IAsyncEnumerator<int> reading = run.Output<int>("y").StreamAsync(Cancellation).GetAsyncEnumerator(Cancellation);
        for (int expected = 0; expected < 1_000; expected++)
        {
            Assert.True(await reading.MoveNextAsync());
            Assert.Equal(expected, reading.Current);
        }
        await using FlowRun meanwhile = await service.StartAsync(Flow.From(Echo).Resolve(), [IOVal.Stream("x",
            FlowLab.Many(Enumerable.Range(0, 10_000)))], cancellation: Cancellation);
        Assert.Equal(10_000, (await FlowLab.ReadAsync(meanwhile.Output<int>("y"))).Count);
        await run.CancelAsync("enough", Cancellation);
        await PythonLab.FailureAsync(run);
        await service.DisposeAsync();
        Assert.InRange(int.Parse(await File.ReadAllTextAsync(file, Cancellation), System.Globalization.CultureInfo.InvariantCulture),
            1_000, 3_000);
        File.Delete(file);
    }

    [Fact]
    public async Task AHundredThousandValuesGoThroughInTheirOrder()
    {
        await using var lab = new FlowLab();
        await using FlowRun run = await StartAsync(lab, Echo, IOVal.Stream("x", FlowLab.Many(Enumerable.Range(0, 100_000))));
        Assert.Equal(Enumerable.Range(0, 100_000),
            await FlowLab.ReadAsync(run.Output<int>("y")).WaitAsync(2 * FlowLab.Patience, Cancellation));
        await run.Completion;
        Assert.Empty(lab.Warnings);
    }

    [Fact]
    public async Task ChildrenHaveTheEnvironmentAndNoTokenAndMayBeOfAVirtualEnvironment()
    {
        string folder = Directory.CreateTempSubdirectory("sluice-venv-").FullName;
        using (var making = System.Diagnostics.Process.Start("python3", ["-m", "venv", "--without-pip", folder]))
            await making.WaitForExitAsync(Cancellation);
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var environment = new Processor("environment") { Inputs = ["x"], Outputs = ["y"] };
        service.Register(environment, Executor.Python("processors:worker", new()
        {
            Python = new()
            {
                VirtualEnvironment = folder,
                ImportPaths = [PythonLab.Package, PythonLab.Modules],
                Environment = new Dictionary<string, string?> { ["SHOP"] = "one", ["HOME"] = null, ["PYTHONPATH"] = "/own" }
            }
        }));
        await using FlowRun run = await service.StartAsync(Flow.From(environment).Resolve(),
            [Lines("x", ["prefix", "SHOP", "HOME", "PYTHONPATH", "SLUICE_PROCESSORS"])], cancellation: Cancellation);
        Assert.Equal([folder, "one", "none", $"{PythonLab.Package}:{PythonLab.Modules}:/own", "none"],
            await FlowLab.ReadAsync(run.Output<string>("y")).WaitAsync(FlowLab.Patience, Cancellation));
        await lab.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    private sealed record BadOrder(int id, string[]? lines);

    private static Processor Echo { get; } = new("echo") { Inputs = ["x"], Outputs = ["y"] };

    private static Processor Copy(string name) => new(name) { Inputs = ["line"], Outputs = ["copy"] };

    private static IOVal Lines(string name, IEnumerable<string> lines) => ProcessExecutorLab.Lines(name, lines);

    private static Task<FlowRun> StartAsync(FlowLab lab, Processor processor, IOVal input) => StartAsync(lab, processor, [input], "run");

    private static async Task<FlowRun> StartAsync(FlowLab lab, Processor processor, IOVal[] inputs, string run)
    {
        Supervisor service = lab.Join();
        service.Register(processor, PythonLab.Executor());
        return await service.StartAsync(Flow.From(processor).Resolve(), inputs, run: run, cancellation: Cancellation);
    }
}
