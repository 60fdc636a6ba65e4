using System.Collections.Concurrent;
using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Tests.Processes;

namespace Sluice.Tests.Executors;

/// <content>Children that die, cannot start, or are not needed any more.</content>
public sealed partial class PythonStageTests
{
    [Fact]
    public async Task AConsecutorLosesAndDoublesNothingWhenChildrenAreKilled()
    {
        int kills = PythonLab.Kills(Repetitions.Of(8, all: 20)), count = 1_000 * kills;
        var random = new Random(4711);
        int[] places = [.. Enumerable.Range(0, kills).Select(_ => random.Next(count)).Order()];
        var seen = new ConcurrentDictionary<int, int>();
        int number = 0, next = 0, killed = 0;
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers",
            source => source | Map<int, int>("double") | Stage.Parallel(2) | (n =>
            {
                seen.AddOrUpdate(n, 1, static (_, times) => times + 1);
                number++;
                while (next < kills && number >= places[next])
                {
                    int[] children = [.. WorkerProgram.Children()];
                    if (children.Length == 0) break;               // with a later result
                    next++;
                    if (WorkerProgram.Kill(children[random.Next(children.Length)])) killed++;
                }
            }), new() { Store = store });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, count)], Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal((count, 0L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(Enumerable.Range(0, count).Select(n => 2 * n), seen.Keys.Order());
        Assert.All(seen.Values, static times => Assert.Equal(1, times));
        Assert.True(killed > kills / 2, $"{killed} were killed.");
        await consecutor.StopAsync();
        Assert.Empty(PythonLab.Children());
    }

    [Fact]
    public async Task APoisonousItemReachesTheDeadLettersAndTheOthersGoOn()
    {
        var seen = new ConcurrentBag<string>();
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<string>("texts",
            source => source | Map<string, string>("text") | Stage.Parallel(2).Unordered | seen.Add,
            new() { Store = store, Delivery = DeliveryGuarantee.Replay(1, Backoff.None) });
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([.. Enumerable.Range(0, 200).Select(n => n switch { 20 => "die 3", 40 => "raise it", _ => $"{n}" })],
            Cancellation);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);

        Assert.Equal((198L, 2L, 0L), (end.Completed, end.Dead, end.Unaccounted));
        Assert.Equal(198, seen.Distinct().Count());
        Dictionary<string, DeadLetter> letters = [];
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync(Cancellation)) letters[(string)letter.Item!] = letter;
        Assert.Equal(1, letters["die 3"].Attempts);
        Assert.Contains("the last time with exit code 3.", letters["die 3"].Error, StringComparison.Ordinal);
        Assert.Equal(2, letters["raise it"].Attempts);
        Assert.Contains("ValueError: it", letters["raise it"].Error, StringComparison.Ordinal);
        await consecutor.StopAsync();
        Assert.Empty(PythonLab.Children());
    }

    [Theory]
    [InlineData("stages:duoble", "stages: There is no stage \"duoble\". Near it: double. Register it with @worker.stage.")]
    [InlineData("stages:halves",
        "stages: the stage halves gets a list of items. Use Python.Batch in the pipeline, or register it without batch=.")]
    [InlineData("stages:other:double",
        "stages:other: There is no stage \"double\": there are none at all. Register it with @worker.stage.")]
    public async Task AFunctionThatDoesNotFitFailsTheRunAtOnce(string function, string expected)
    {
        PipelineException failure = await FailAsync(Numbers(10) | Python.Map<int, int>(function, Options) | Stage.Parallel(2));
        Assert.Equal($"'{function}' failed: The Python module {expected}", failure.Message);
        Assert.Empty(PythonLab.Children());
    }

    [Fact]
    public async Task AFunctionOfOneItemIsNoBatch()
        => Assert.Equal(
            "'stages:double' failed: The Python module stages: the stage double gets one item. Use Python.Map in the pipeline, or register "
                + "it with @worker.stage(batch=True).", (await FailAsync(Numbers(10) | Batch<int, int>("double"))).Message);

    [Fact]
    public async Task AModuleThatIsNotThereFailsTheRunAtOnce()
    {
        PipelineException failure = await FailAsync(Numbers(10) | Python.Map<int, int>("stgaes:double", Options));
        Assert.StartsWith(
            "'stgaes:double' failed: The module stgaes of the Python worker cannot be imported: ModuleNotFoundError: No module named "
                + "'stgaes'", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith($" Install what it needs for python3, or name the folder that has it in PythonOptions.ImportPaths "
            + $"({PythonLab.Package}, {PythonLab.Modules}).", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PythonThatIsNotThereFailsTheRunAtOnce()
    {
        Assert.Equal(
            "'stages:double' failed: The Python interpreter python9 was not found. Install it (on Debian: apt-get install python3), or say "
                + "where it is: PythonOptions.Interpreter, or PythonOptions.VirtualEnvironment.",
            await FailAsync(new PythonOptions { Interpreter = "python9" }));
        Assert.StartsWith("'stages:double' failed: There is no folder /no/such/env (PythonOptions.VirtualEnvironment).",
            await FailAsync(new PythonOptions { VirtualEnvironment = "/no/such/env" }), StringComparison.Ordinal);
        string package = await FailAsync(new PythonOptions { ImportPaths = [PythonLab.Modules] });
        Assert.StartsWith("'stages:double' failed: python3 (Python 3.", package, StringComparison.Ordinal);
        Assert.Contains(") does not find the package sluice with its worker: ", package, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConsecutorWhoseFunctionIsNotThereSaysSoAndKeepsItsItems()
    {
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("numbers", source => source | Map<int, int>("duoble") | (_ => { }),
            new() { Store = store });
        await consecutor.SendAllAsync([1, 2, 3], Cancellation);          // once it has failed, nothing can be sent
        await consecutor.StartAsync(Cancellation);
        Exception failure = await Assert.ThrowsAnyAsync<SluiceException>(() => consecutor.WaitForIdleAsync(Cancellation));
        Assert.Contains("There is no stage \"duoble\". Near it: double.", failure.ToString(), StringComparison.Ordinal);
        Assert.Empty(PythonLab.Children());
    }

    [Fact]
    public async Task ACancelledRunLeavesNoProcessBehind()
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        int seen = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            (Numbers(int.MaxValue) | Map<int, int>("double") | Stage.Parallel(2) | (n =>
        {
            if (++seen == 1_000) source.Cancel();
        })).RunAsync(cancellation: source.Token));
        Assert.Empty(PythonLab.Children());
    }

    [Fact]
    public async Task AFunctionThatHangsIsKilledWhenTheRunIsCancelled()
    {
        PipelineRun run = (Source.From(["hang"]) | Map<string, string>("text", new() { StopTimeout = TimeSpan.FromSeconds(1) })
            | (_ => { })).Start(cancellation: Cancellation);
        while (run.Snapshot()["stages:text"].In == 0) await Task.Yield();
        await run.DisposeAsync();
        Assert.Empty(PythonLab.Children());
    }

    [Theory]
    [InlineData("words", "\"words\" does not name a function of a module: write module:function, such as words:length.")]
    [InlineData("words:", "\"words:\" does not name a function of a module")]
    [InlineData(":length", "\":length\" does not name a function of a module")]
    [InlineData("words.py:length", "\"words.py\" is a file, and a module is named as in Python's import: words.")]
    [InlineData("-c:length", "\"-c\" is no name of a Python module")]
    public void AFunctionIsGivenByItsModuleAndName(string function, string expected)
        => Assert.StartsWith(expected, Assert.Throws<ArgumentException>(() => Python.Map<int, int>(function)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void OptionsThatPythonCannotHaveAreRefused()
    {
        Assert.StartsWith("Children in Python have neither ProcessOptions.Program nor Arguments", Refused(new() { Program = "python3" }),
            StringComparison.Ordinal);
        Assert.StartsWith("Children in Python have neither ProcessOptions.Program nor Arguments", Refused(new() { Arguments = ["-x"] }),
            StringComparison.Ordinal);
        Assert.StartsWith("ProcessOptions.Workers is not for stages in Python: Stage.Parallel says how many processes there are. Write … | "
            + "Stage.Parallel(4).", Refused(new() { Workers = 4 }), StringComparison.Ordinal);
        Assert.StartsWith("The environment variable SLUICE_WORKER is the library's own.", Assert.Throws<ArgumentException>(
            () => Python.Map<int, int>("a:b", new()
            {
                Python = new() { Environment = new Dictionary<string, string?> { ["SLUICE_WORKER"] = "" } }
            })).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => Python.Batch<int, int>("a:b", 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Python.Batch<int, int>("a:b", 2_049));
        Assert.Equal("Stage.Parallel(257) does not fit here: a stage has 256 processes at most.",
            Assert.Throws<InvalidOperationException>(() => Numbers(1) | Map<int, int>("double") | Stage.Parallel(257)).Message);

        static string Refused(ProcessOptions process)
            => Assert.Throws<ArgumentException>(() => Python.Map<int, int>("a:b", new() { Process = process })).Message;
    }

    private static async Task<string> FailAsync(PythonOptions python)
        => (await FailAsync(Numbers(10) | Python.Map<int, int>("stages:double", new() { Python = python }))).Message;
}
