using Sluice.Flows;
using Sluice.Tests.Flows;
using Sluice.Tests.Processes;

namespace Sluice.Tests.Executors;

/// <summary>Python children that are killed in the middle: no value is lost or doubled.</summary>
[Collection("child processes")]          // these tests look for, and kill, all children of this process
[StartsProcesses]
public class LostPythonTests
{
    private static CancellationToken Cancellation => FlowLab.Cancellation;

    /// <summary>Kills at seeded places, 24 in <c>./test --long</c>. So many values are never on their way that the child has ended
    /// before.</summary>
    [Theory]
    [InlineData(ResumeMode.FromScratch, 1, Traits = ["Length", "long"])]
    [InlineData(ResumeMode.PerItem, 2)]
    [InlineData(ResumeMode.Checkpoint, 3, Traits = ["Length", "long"])]
    public async Task KillingChildrenLosesAndDoublesNoValue(ResumeMode resume, int seed)
    {
        const int Distance = 1_200;
        int kills = PythonLab.Kills(Repetitions.Of(4, all: 8));
        var random = new Random(seed);
        string[] lines = [.. Enumerable.Range(0, (kills + 2) * Distance).Select(n => $"line {n}")];
        int[] places = [.. Enumerable.Range(1, kills).Select(n => (n * Distance) - random.Next(300))];
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { MaxStarts = 10_000, ReaderTimeout = TimeSpan.FromHours(1) });
        var copy = new Processor($"copy-{resume}") { Inputs = ["line"], Outputs = ["copy"], Resume = resume };
        service.Register(copy, PythonLab.Executor());
        await using FlowRun run = await service.StartAsync(
            Flow.From(copy).With("copy", new FlowStreamOptions { MaxItems = 50 }).Resolve(), [ProcessExecutorLab.Lines("line", lines)],
            cancellation: Cancellation);
        List<string> copies = [];
        int killed = 0;
        await foreach (string one in run.Output<string>("copy").StreamAsync(Cancellation))
        {
            copies.Add(one);
            if (!places.Contains(copies.Count)) continue;
            int[] children = PythonLab.Children();
            Assert.NotEmpty(children);
            if (Array.FindAll(children, WorkerProgram.Kill).Length > 0) killed++;
        }
        await run.Completion;
        Assert.Equal(resume == ResumeMode.Checkpoint ? lines.Select((line, i) => $"{i + 1} {line}") : lines, copies);
        Assert.Equal(kills, killed);
        Assert.All(lab.Warnings, static warning => Assert.Contains("SIGKILL", warning, StringComparison.Ordinal));
    }

    [Fact]
    public async Task AReplacedChildRepeatsItsChoicesAndTimes()
    {
        string file = ProcessExecutorLab.NoFile();
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var mix = new Processor("mix") { Inputs = ["a", "b"], Outputs = ["mixed"] };
        service.Register(mix, PythonLab.Executor());
        await using FlowRun run = await service.StartAsync(Flow.From(mix).Resolve(),
        [
            ProcessExecutorLab.Lines("a", [.. Enumerable.Range(0, 300).Select(n => $"{n}"), $"once {file} kill", "end"]),
            ProcessExecutorLab.Lines("b", Enumerable.Range(0, 300).Select(n => $"{n}"))
        ], cancellation: Cancellation);

        // Otherwise the replay would have written other times, in another order, and failed.
        Assert.Equal(302 + 300, (await FlowLab.ReadAsync(run.Output<string>("mixed")).WaitAsync(FlowLab.Patience, Cancellation)).Count);
        await run.Completion;
        Assert.Contains("SIGKILL", Assert.Single(lab.Warnings), StringComparison.Ordinal);
        File.Delete(file);
    }

    [Fact]
    public async Task AFailedFunctionIsTriedAgainWhereItWas()
    {
        string file = ProcessExecutorLab.NoFile();
        await using var lab = new FlowLab();
        Supervisor service = lab.Join();
        var copy = new Processor("copy-PerItem")
        {
            Inputs = ["line"],
            Outputs = ["copy"],
            Resume = ResumeMode.PerItem,
            Retry = new(1) { Delay = TimeSpan.Zero }
        };
        service.Register(copy, PythonLab.Executor());
        string[] lines = ["a", "b", $"once {file} throw no ink", "c"];
        await using FlowRun run = await service.StartAsync(Flow.From(copy).Resolve(), [ProcessExecutorLab.Lines("line", lines)],
            cancellation: Cancellation);
        Assert.Equal(lines, await FlowLab.ReadAsync(run.Output<string>("copy")).WaitAsync(FlowLab.Patience, Cancellation));
        Assert.Contains("ValueError: no ink", Assert.Single(lab.Warnings), StringComparison.Ordinal);
        File.Delete(file);
    }

    [Fact]
    public async Task AProcessorThatKillsItsChildAgainAndAgainFails()
    {
        await using var lab = new FlowLab();
        Supervisor service = lab.Join(options => options with { MaxStarts = 3 });
        var copy = new Processor("copy-FromScratch") { Inputs = ["line"], Outputs = ["copy"] };
        service.Register(copy, PythonLab.Executor());
        await using FlowRun run = await service.StartAsync(Flow.From(copy).Resolve(), [ProcessExecutorLab.Lines("line", ["a", "kill"])],
            cancellation: Cancellation);
        Assert.Contains("It was started 3 times without progress, and each time its host was gone before it had ended; the last time: "
            + "the child process has "
            + "ended with exit code 137 (SIGKILL", await PythonLab.FailureAsync(run), StringComparison.Ordinal);
    }
}
