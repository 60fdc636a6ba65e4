using Sluice.Graphs;
using Sluice.Testing;

namespace Sluice.Tests.Graphs.DataFlows;

public class DataFlowTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static readonly AsyncLocal<string?> Ambient = new();

    private static async Task<IReadOnlyList<string>> SourceAsync(string sourceTable)
    {
        await Task.Yield();
        return [sourceTable];
    }

    private static IReadOnlyList<string> Target(string targetTable) => [targetTable, "more"];

    private static (int missing, int changed) Compare(IReadOnlyList<string> source, IReadOnlyList<string> target)
        => (target.Count - source.Count, source[0].Length);

    private static async Task LoggerAsync(int missing, int changed) => await Task.Yield();

    private static void Notify(int missing, string channel = "#data") => Assert.Equal(("#data", 1), (channel, missing));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ValuesPassByNameFromStageToStage(bool reflected)
    {
        DataFlow flow = DataFlow.From(SourceAsync, Target) | Compare | (LoggerAsync, Notify);
        DataFlow same = [[SourceAsync, Target], [Compare], [LoggerAsync, Notify]];
        if (reflected) flow = flow.Reflected();

        DataFlowResult result = await flow.RunAsync(new { sourceTable = "orders", targetTable = "copy" }, Cancellation);

        Assert.Equal((1, 6), (result.Get<int>("missing"), result.Get<int>("Changed")));
        Assert.Equal(["missing", "changed"], result.Names);
        Assert.Equal(new Dictionary<string, object?> { ["missing"] = 1, ["changed"] = 6 }, result.Values);
        Assert.Equal("(SourceAsync, Target) | Compare | (LoggerAsync, Notify)", flow.ToString());
        Assert.Equal(flow.ToString(), same.ToString());
        Assert.Equal(1, (await same.RunAsync(new Dictionary<string, object?> { ["SourceTable"] = "x", ["targetTable"] = "y" },
            Cancellation)).Get<int>("missing"));
        Assert.Equal("SourceAsync → Compare\n\nTarget → Compare\n\nCompare\n├─ LoggerAsync\n└─ Notify", flow.Topology.ToText());
        Assert.Contains("Compare", flow.Topology.ToMermaid() + flow.Topology.ToDot(), StringComparison.Ordinal);
        Assert.Equal(["Compare", "LoggerAsync", "Notify", "SourceAsync", "Target"],
            result.Outcomes.Where(outcome => outcome.Succeeded).Select(outcome => outcome.Node).Order());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ANestedFlowGivesItsResultsToTheNextStage(bool reflected)
    {
        static int A(int n) => n + 1;
        static int B(int a) => a * 10;
        static int C(int n) => -n;
        static async Task<int> DAsync(int c)
        {
            await Task.Yield();
            return c * 100;
        }
        static string All(int a, int b, int d) => $"{a} {b} {d}";

        DataFlow flow = DataFlow.From(A, DataFlow.From(A) | B, DataFlow.From(C) | (DAsync, DataFlow.From(C) | DAsync)) | All;
        if (reflected) flow = flow.Reflected();
        Assert.Equal("(A, A | B, C | (DAsync, C | DAsync)) | All", flow.ToString());

        // The inner C sees only the result of the outer C: a single value binds to a single parameter.
        var conflict = await Assert.ThrowsAsync<MergeConflictException>(async () => await flow.RunAsync(new { n = 4 }, Cancellation));
        Assert.Equal(("d", "DAsync", "DAsync-2"), (conflict.Key, conflict.First, conflict.Second));

        flow = flow.With(DataFlowVisibility.All);
        Assert.Equal("5 50 -400", (await flow.RunAsync(new { n = 4 }, Cancellation)).Get<string>("all"));
    }

    [Fact]
    public async Task SynchronousFunctionsRunOnPoolThreadsAndInParallel()
    {
        using var all = new Barrier(3);
        using var held = new ManualResetEventSlim();
        int Held(int n)
        {
            held.Wait(Cancellation);
            Assert.True(Thread.CurrentThread.IsThreadPoolThread);
            return n;
        }
        async Task<int> MeetAsync(int held)
        {
            all.SignalAndWait(Cancellation);         // before its first await: on the thread that starts it
            await Task.Yield();
            return held;
        }
        int Meet(int held)
        {
            all.SignalAndWait(Cancellation);
            return held;
        }

        ValueTask<DataFlowResult> running = (DataFlow.From(Held)
            | (MeetAsync, Meet, DataFlow.From(DataFlow.Function(Meet).Named("third")))).RunAsync(new { n = 7 }, Cancellation);
        Assert.False(running.IsCompleted);
        held.Set();
        DataFlowResult result = await running;
        Assert.Equal([("meet", 7), ("third", 7)], result.Values.Select(entry => (entry.Key, (int)entry.Value!)).Order());
    }

    [Fact]
    public async Task FunctionsSeeTheExecutionContextOfTheCaller()
    {
        static string? First() => Ambient.Value;
        static async Task<string?> SecondAsync(string? first)
        {
            await Task.Yield();
            return first + Ambient.Value;
        }
        static string Third(string second) => second + Ambient.Value;
        Ambient.Value = "a";
        ValueTask<DataFlowResult> running = (DataFlow.From(First) | SecondAsync | Third).RunAsync(null, Cancellation);
        Ambient.Value = "b";
        Assert.Equal("aaa", (await running).Get<string>("third"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task TheFirstFailureStopsTheSiblingsAndNamesItsFunction(bool reflected)
    {
        var stopped = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        bool hasGoneOn = false;
        async Task<int> SlowAsync(CancellationToken cancellation)
        {
            await using CancellationTokenRegistration registration = cancellation.Register(stopped.SetResult);
            started.SetResult();
            await stopped.Task;
            cancellation.ThrowIfCancellationRequested();
            return 1;
        }
        int Bad()
        {
            started.Task.Wait(Cancellation);
            throw new FormatException("no good");
        }
        void After(int slow) => hasGoneOn = true;
        DataFlow flow = DataFlow.From(SlowAsync, Bad) | After;
        if (reflected) flow = flow.Reflected();

        var failure = await Assert.ThrowsAsync<NodeFailedException>(async () => await flow.RunAsync(null, Cancellation));

        Assert.Equal(("Bad", "The function Bad failed: no good"), (failure.Node, failure.Message));
        Assert.IsType<FormatException>(failure.InnerException);
        Assert.True(stopped.Task.IsCompleted);
        Assert.False(hasGoneOn);
    }

    [Fact]
    public async Task ACancelledRunStopsItsFunctionsAndStartsNoMore()
    {
        var started = new TaskCompletionSource();
        bool hasEnded = false, hasGoneOn = false;
        int Wait(CancellationToken cancellation)
        {
            started.SetResult();
            cancellation.WaitHandle.WaitOne();
            hasEnded = true;
            return 1;
        }
        void After(int wait) => hasGoneOn = true;
        using var stop = new CancellationTokenSource();
        ValueTask<DataFlowResult> running = (DataFlow.From(Wait) | After)
            .With(new DataFlowOptions { StopTimeout = Timeout.InfiniteTimeSpan }).RunAsync(stop.Token);
        await started.Task;
        await stop.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await running);
        Assert.Equal((stop.Token, true, false), (cancelled.CancellationToken, hasEnded, hasGoneOn));
    }

    [Fact]
    public async Task OutcomesAndTopologyShowTheRetriesAndTimeoutsOfFunctions()
    {
        var clock = new TestClock();
        int calls = 0;
        int Flaky() => ++calls < 3 ? throw new FormatException("not yet") : calls;
        async Task HangAsync(CancellationToken cancellation) => await Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellation);
        DataFlow flow = DataFlow.From(DataFlow.Function(Flaky).Retry(2),
            DataFlow.Function(HangAsync).Timeout(TimeSpan.FromSeconds(1)).Optional())
                .With(new DataFlowOptions { Time = clock, RecordTimings = true });
        Task<DataFlowResult> running = flow.RunAsync(null, Cancellation).AsTask();
        clock.Advance(TimeSpan.FromSeconds(1));
        DataFlowResult result = await running;
        Assert.Equal((3, 3), (result.Get<int>("flaky"), result.Outcomes.Single(one => one.Node == "Flaky").Attempts));
        Assert.StartsWith("HangAsync: failed after 1 attempt: TimeoutException",
            result.Outcomes.Single(one => one.Node == "HangAsync").ToString(), StringComparison.Ordinal);
        Assert.Equal("Flaky (retry 2)\n\nHangAsync (timeout 1 s, optional)", flow.Topology.ToText());
        Assert.Equal(TimeSpan.FromSeconds(1), result.Elapsed);
    }

    [Fact]
    public async Task ADispatchChoosesItsImplementationByAKey()
    {
        static async Task<(int rows, string how)> CsvAsync(string path)
        {
            await Task.Yield();
            return (path.Length, "csv");
        }
        static (int rows, string how) Json(string path, int depth) => (depth, "json");
        DataFlow flow = DataFlow.From(DataFlow.Dispatch("load", "kind", ("csv", CsvAsync), ("Json", Json)).RenameOutput("how", "loadedAs"));
        foreach (DataFlow one in new[] { flow, flow.Reflected() })
        {
            DataFlowResult csv = await one.RunAsync(new { kind = "csv", path = "abc", depth = 7 }, Cancellation),
                json = await one.RunAsync(new { kind = Kind.Json, path = "abc", depth = 7 }, Cancellation);
            Assert.Equal((3, "csv", 7, "json"), (csv.Get<int>("rows"), csv.Get<string>("loadedAs"), json.Get<int>("rows"),
                json.Get<string>("loadedAs")));
            var unknown = await Assert.ThrowsAsync<DataFlowException>(async () =>
                await one.RunAsync(new { kind = "cs", path = "abc", depth = 7 }, Cancellation));
            Assert.Equal("load is chosen by kind, which is \"cs\". Its keys are: \"csv\", \"Json\".", unknown.Message);
        }
    }

    [Theory]
    [InlineData("true", "false")]
    [InlineData("True", "False")]
    public async Task ADispatchByABoolIgnoresTheCaseOfItsKeys(string yes, string no)
    {
        static string On() => "on";
        static string Off() => "off";
        DataFlow flow = DataFlow.From(DataFlow.Dispatch("light", "isOn", (yes, On), (no, Off)));
        Assert.Equal("on", (await flow.RunAsync(new { isOn = true }, Cancellation)).Get<string>("light"));
        Assert.Equal("off", (await flow.RunAsync(new { isOn = false }, Cancellation)).Get<string>("light"));
        var unknown = await Assert.ThrowsAsync<DataFlowException>(async () => await flow.RunAsync(new { isOn = (bool?)null },
            Cancellation));
        Assert.Equal($"light is chosen by isOn, which is null. Its keys are: \"{yes}\", \"{no}\".", unknown.Message);
    }

    [Fact]
    public async Task OneFlowMayRunManyTimesAtOnce()
    {
        DataFlow flow = DataFlow.From(SourceAsync, Target) | Compare | (LoggerAsync, Notify);
        DataFlowResult[] results = await Task.WhenAll(Enumerable.Range(1, 500)
            .Select(i => flow.RunAsync(new { sourceTable = new string('x', i), targetTable = "y" }, Cancellation).AsTask()));
        Assert.Equal(Enumerable.Range(1, 500), results.Select(result => result.Get<int>("changed")));
    }

    private enum Kind
    {
        Json,
    }
}
