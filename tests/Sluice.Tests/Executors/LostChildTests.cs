using System.Diagnostics;
using System.Globalization;
using Sluice.Diagnostics;
using Sluice.Executors;
using Sluice.Flows;
using Sluice.Programs;
using Sluice.Tests.Flows;
using Sluice.Tests.Processes;

namespace Sluice.Tests.Executors;

/// <summary>Child processes that end, do not start, or are cancelled. The tests use real processes, which really end.</summary>
[Collection("child processes")]          // these tests look for, and kill, all children of this process
[StartsProcesses]
public class LostChildTests
{
    private static CancellationToken Cancellation => FlowLab.Cancellation;

    [Theory]
    [InlineData(ResumeMode.FromScratch)]
    [InlineData(ResumeMode.PerItem)]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task AChildThatIsKilledIsReplacedAndNothingIsLostOrDoubled(ResumeMode resume)
    {
        string[] files = [ProcessExecutorLab.NoFile(), ProcessExecutorLab.NoFile()];
        string[] lines = [.. Enumerable.Range(0, 2_000)
            .Select(n => n == 500 ? $"once {files[0]} kill" : n == 1_500 ? $"once {files[1]} die 3" : $"line {n}")];
        await using var lab = new ProcessExecutorLab();

        List<string> copies = await ProcessExecutorLab.RunAsync<string>(lab.Join(), FlowFunctions.Copy(resume), "copy",
            ProcessExecutorLab.Lines("line", lines));

        Assert.Equal(resume == ResumeMode.Checkpoint ? lines.Select((line, i) => $"{i + 1} {line}") : lines, copies);
        Assert.Equal(2, lab.Flows.Warnings.Count);
        Assert.Contains("is started again: the child process has ended with exit code 137 (SIGKILL", lab.Flows.Warnings[0],
            StringComparison.Ordinal);
        Assert.Contains("is started again: the child process has ended with exit code 3. It wrote: asked to die", lab.Flows.Warnings[1],
            StringComparison.Ordinal);
        Array.ForEach(files, File.Delete);
    }

    [Theory]
    [InlineData(ResumeMode.FromScratch, Traits = ["Length", "long"])]
    [InlineData(ResumeMode.PerItem, Traits = ["Length", "long"])]
    [InlineData(ResumeMode.Checkpoint)]
    public async Task KillingChildrenLosesAndDoublesNoValue(ResumeMode resume)
    {
        string[] lines = [.. Enumerable.Range(0, 20_000).Select(n => $"line {n}")];
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join(configure: options => options with { MaxStarts = 100 });
        await using FlowRun run = await service.StartAsync(Flow.From(FlowFunctions.Copy(resume)).Resolve(),
            [ProcessExecutorLab.Lines("line", lines)], cancellation: Cancellation);

        List<string> copies = [];
        int killed = 0;
        await foreach (string copy in run.Output<string>("copy").StreamAsync(Cancellation))
        {
            copies.Add(copy);
            if (copies.Count % 4_000 == 1_000)
                foreach (int child in ProcessExecutorLab.Children())
                    if (WorkerProgram.Kill(child)) killed++;
        }
        await run.Completion;

        Assert.Equal(resume == ResumeMode.Checkpoint ? lines.Select((line, i) => $"{i + 1} {line}") : lines, copies);
        Assert.True(killed > 0, "None was killed.");
    }

    [Fact]
    public async Task AReplacedChildRepeatsTheRecordedChoices()
    {
        string file = ProcessExecutorLab.NoFile();
        await using var lab = new ProcessExecutorLab();

        List<string> mixed = await ProcessExecutorLab.RunAsync<string>(lab.Join(), FlowFunctions.Mix, "mixed",
            ProcessExecutorLab.Lines("a", [.. Enumerable.Range(0, 300).Select(n => $"{n}"), $"once {file} kill", "end"]),
                ProcessExecutorLab.Lines("b", Enumerable.Range(0, 300).Select(n => $"{n}")), IOVal.Of("c", "newest"));

        // Otherwise the replay would have written other times, in another order, and failed.
        Assert.Equal(1 + 302 + 300, mixed.Count);
        Assert.Contains("SIGKILL", Assert.Single(lab.Flows.Warnings), StringComparison.Ordinal);
        File.Delete(file);
    }

    [Fact]
    public async Task AReplayWithOtherOutputFailsTheRun()
    {
        string file = ProcessExecutorLab.NoFile();
        var read = new TaskCompletionSource();
        await using var lab = new ProcessExecutorLab();
        await using FlowRun run = await lab.Join().StartAsync(Flow.From(FlowFunctions.Copy(ResumeMode.FromScratch)).Resolve(),
            [IOVal.Stream("line", LinesAsync())], cancellation: Cancellation);
        await run.Output<string>("copy").FirstAsync(Cancellation);
        read.SetResult();

        FlowException failure = await Assert.ThrowsAsync<NondeterministicReplayException>(() => run.Completion);

        Assert.Contains("was repeated after its host had gone, and did not put out the same to copy: the values are not the same.",
            failure.Message, StringComparison.Ordinal);
        File.Delete(file);

        async IAsyncEnumerable<string> LinesAsync()
        {
            yield return "pid";                      // the replaced child has another one
            await read.Task;
            yield return $"once {file} kill";
        }
    }

    [Fact]
    public async Task AChildThatEndsWhileTheProcessorWaitsForItsPlaceCountsAsNoStart()
    {
        var executor = (ProcessExecutor)Executor.Processes(1, ProcessExecutorLab.Child());
        await using var lab = new ProcessExecutorLab();
        var both = new ExceptLocal(executor);
        Supervisor service = lab.Join(configure: options => options with
        {
            Executor = both,
            MaxConcurrency = 1,
            MaxStarts = 1
        });
        var (works, mayEnd) = (new TaskCompletionSource(), new TaskCompletionSource());
        var local = new Processor("local") { Inputs = ["x"] };
        service.Register(local, async (IO<int> x) =>
        {
            works.TrySetResult();
            await mayEnd.Task.WaitAsync(Cancellation);
        });
        var copy = FlowFunctions.Copy(ResumeMode.FromScratch);
        await using FlowRun run = await service.StartAsync(Flow.From(copy).Resolve(), [ProcessExecutorLab.Lines("line", ["a"])],
            cancellation: Cancellation);
        await both.Begun.Task.WaitAsync(FlowLab.Patience, Cancellation);         // it has the place
        await using FlowRun other = await service.StartAsync(Flow.From(local).Resolve(), [IOVal.Of("x", 1)], cancellation: Cancellation);
        await works.Task.WaitAsync(FlowLab.Patience, Cancellation);      // once the other one gives up its place: its child starts
        while (executor.Connected.Count == 0)
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        CallConnection child = executor.Connected[0];
        foreach (int pid in ProcessExecutorLab.Children()) WorkerProgram.Kill(pid);
        await child.Ended.WaitAsync(FlowLab.Patience, Cancellation);
        mayEnd.SetResult();

        Assert.Equal(["a"], await FlowLab.ReadAsync(run.Output<string>("copy")));
        await run.Completion.WaitAsync(FlowLab.Patience, Cancellation);
        Assert.Equal(1, (await run.GetStatusAsync(Cancellation)).Processors[0].Starts);
        Assert.Empty(lab.Flows.Warnings);
    }

    [Fact]
    public async Task ChildrenEndWhenTheirParentIsKilled()
    {
        using Process parent = WorkerProgram.Start("flow-parent");
        using Process child = Process.GetProcessById(int.Parse((await parent.StandardOutput.ReadLineAsync(Cancellation))!,
            CultureInfo.InvariantCulture));
        Assert.NotEqual(parent.Id, child.Id);

        parent.Kill();

        await parent.WaitForExitAsync(Cancellation);
        await child.WaitForExitAsync(Cancellation);
    }

    [Fact]
    public async Task AProcessorThatAlwaysKillsItsChildFailsAndOthersDoNot()
    {
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join(count: 1, configure: options => options with { MaxStarts = 3 });
        await using FlowRun innocent = await service.StartAsync(Flow.From(FlowFunctions.Copy(ResumeMode.FromScratch)).Resolve(),
            [ProcessExecutorLab.Lines("line", ["a", "wait"])], run: "innocent", cancellation: Cancellation);
        Assert.Equal("a", await innocent.Output<string>("copy").FirstAsync(Cancellation));
        await using FlowRun run = await service.StartAsync(Flow.From(FlowFunctions.Copy(ResumeMode.FromScratch)).Resolve(),
            [ProcessExecutorLab.Lines("line", ["a", "die 42"])], run: "run", cancellation: Cancellation);

        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => run.Completion);

        Assert.Equal(
            "The run run has failed: the processor copy-FromScratch has: It was started 3 times without progress, and each time its "
                + "host was gone before "
                + "it had ended; the last time: the child process has ended with exit code 42. It wrote: asked to die "
                + "(SupervisorOptions.MaxStarts).", failure.Message);
        ProcessorInfo? other = null;
        await lab.Flows.UntilAsync(FlowNames.Journal("innocent"),       // the other one may have ended all its starts before
            async () => (other = (await innocent.GetStatusAsync(Cancellation)).Processors[0]).Starts > 1);
        Assert.Equal((FlowStatus.Running, 2), (other!.Status, other.Starts));
        await innocent.CancelAsync("enough", Cancellation);
        await Assert.ThrowsAsync<FlowException>(() => innocent.Completion);
    }

    [Theory]
    [InlineData("exits",
        "A child process has ended before it asked for work, with exit code 7: its program must say if (await "
            + "Worker.TryRunAsWorkerAsync(functions)) return; before it does anything else. It wrote: no such setting")]
    [InlineData("never-asks",
        "It wrote: This process was started to execute the functions of processors for another one (Executor.Processes), and its program "
            + "has not asked for that")]
    public async Task AChildThatDoesNotAskForWorkIsReported(string how, string expected)
    {
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join(child: ProcessExecutorLab.Child(how), configure: options => options with { MaxStarts = 2 });

        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => ProcessExecutorLab.RunAsync<string>(service,
            FlowFunctions.Copy(ResumeMode.FromScratch), "copy", IOVal.Of("line", "a")));

        Assert.Contains(expected, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AProcessorThatTheChildDoesNotKnowFailsAtOnce()
    {
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join(child: ProcessExecutorLab.Child("knows-less"));

        FlowException failure = await Assert.ThrowsAsync<FlowException>(() => ProcessExecutorLab.RunAsync<string>(service,
            FlowFunctions.Copy(ResumeMode.FromScratch), "copy", IOVal.Of("line", "a")));

        Assert.Contains(
            "Where it is executed there is no function for it: what is registered with the supervisor must be given to "
                + "Worker.TryRunAsWorkerAsync (or to the RemoteWorker), too.", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("wait")]
    [InlineData("hang")]
    public async Task ACancelledRunStopsItsFunctions(string how)
    {
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join(count: 1, child: ProcessExecutorLab.Child() with
        {
            StopTimeout = how == "hang"
            ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromMinutes(1)
        });
        await using FlowRun run = await service.StartAsync(Flow.From(FlowFunctions.Copy(ResumeMode.FromScratch)).Resolve(),
            [ProcessExecutorLab.Lines("line", ["pid", how])], cancellation: Cancellation);
        List<string> seen = [];
        await foreach (string copy in run.Output<string>("copy").StreamAsync(Cancellation))
        {
            seen.Add(copy);
            if (copy == how) break;                  // the function waits or hangs now, or is about to
        }
        string pid = seen[0];

        await run.CancelAsync("enough", Cancellation);
        await lab.Flows.UntilAsync(FlowNames.Journal(run.Id),
            async () => (await run.GetStatusAsync(Cancellation)).Processors[0].Status == FlowStatus.Cancelled);

        Assert.Equal(how == "wait", ProcessExecutorLab.Children().Contains(int.Parse(pid, CultureInfo.InvariantCulture)));
        Assert.DoesNotContain(lab.Flows.Warnings, text => text.Contains("started again", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("wait")]
    [InlineData("hang")]
    public async Task DisposingASupervisorEndsItsChildren(string how)
    {
        await using var lab = new ProcessExecutorLab();
        Supervisor service = lab.Join(child: ProcessExecutorLab.Child() with { StopTimeout = TimeSpan.FromMilliseconds(200) });
        await using FlowRun run = await service.StartAsync(Flow.From(FlowFunctions.Copy(ResumeMode.FromScratch)).Resolve(),
            [ProcessExecutorLab.Lines("line", ["a", how])], cancellation: Cancellation);
        Assert.Equal("a", await run.Output<string>("copy").FirstAsync(Cancellation));
        Assert.NotEmpty(ProcessExecutorLab.Children());

        await service.DisposeAsync().AsTask().WaitAsync(FlowLab.Patience, Cancellation);

        Assert.Empty(ProcessExecutorLab.Children());
        FlowRunInfo status = (await lab.Flows.Join().FindAsync(run.Id, Cancellation)) is { } found
            ? await found.GetStatusAsync(Cancellation) : throw new InvalidOperationException();
        Assert.Equal("a", await run.Output<string>("copy").FirstAsync(Cancellation));
        Assert.NotEqual(FlowStatus.Failed, status.Processors[0].Status);
    }

    private sealed class ExceptLocal(ProcessExecutor children) : IExecutor, IAsyncDisposable
    {
        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task ExecuteAsync(ProcessorCall call, CancellationToken cancellation)
        {
            if (call.Processor == "local") return call.RunHereAsync(cancellation);
            Begun.TrySetResult();
            return children.ExecuteAsync(call, cancellation);
        }

        public ValueTask DisposeAsync() => children.DisposeAsync();
    }
}
