using System.Collections.Immutable;
using System.Globalization;
using Microsoft.CodeAnalysis;

namespace Sluice.Generators.Tests;

public class UnawaitedRunTests
{
    private const string Members = """
        static void Print(int n) { }
        static readonly Pipeline pipeline = numbers | Print;
        static PipelineRun? kept;
        static bool early;
        static void Watch(PipelineRun run) { }
        static void Show(object snapshot) { }
        static PipelineRun Restart() => pipeline.Start();
        static readonly List<PipelineRun> runs = [];
        static PipelineRun Find(string name) => runs[name.Length];
        """;

    [Theory]
    [InlineData("[|pipeline.Start()|];")]
    [InlineData("[|(numbers | Print).Start(new RunOptions())|];")]
    [InlineData("var run = [|pipeline.Start()|];")]
    [InlineData("var run = [|pipeline.Start()|]; Console.WriteLine(run.Snapshot());")]
    [InlineData("PipelineRun run; run = [|pipeline.Start()|]; run.CancelAsync();")]
    [InlineData("PipelineRun? run = early ? [|pipeline.Start()|] : null; run?.CancelAsync();")]
    [InlineData("Console.WriteLine([|pipeline.Start()|].Snapshot());")]
    [InlineData("var run = [|pipeline.Start()|]; Console.CancelKeyPress += (_, _) => run.CancelAsync();")]
    [InlineData("Action start = () => [|pipeline.Start()|];")]
    [InlineData("var run = [|pipeline.Start()|]; run.StopAsync(TimeSpan.Zero);")]
    [InlineData("[|pipeline.RunAsync()|];")]
    [InlineData("PipelineRun a = [|pipeline.Start()|], b = a; while (early) { a = b; b = early ? a : b; Show(b.Snapshot()); }")]
    [InlineData("[|Restart()|];")]
    [InlineData("Action start = () => [|Restart()|];")]
    public async Task ARunThatIsNotAwaitedIsReportedWhereItStarts(string statements)
    {
        string message = Assert.Single(await CheckAsync(statements)).GetMessage(CultureInfo.InvariantCulture);
        Assert.Contains(statements.Contains("RunAsync", StringComparison.Ordinal) ? "write 'await' before it: 'await pipeline.RunAsync()'"
            : "use 'await using var run = …'", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[|orders.StartAsync()|];", "'await orders.StartAsync()'")]
    [InlineData("[|orders.SendAsync(1)|];", "'await orders.SendAsync(1)'")]
    [InlineData("[|orders.SendAllAsync([1, 2])|];", "'await orders.SendAllAsync(")]
    [InlineData("[|orders.WaitForIdleAsync()|];", "'await orders.WaitForIdleAsync()'")]
    [InlineData("[|sender.SendAsync(1)|];", "'await sender.SendAsync(1)'")]
    [InlineData("[|orders.SendAsync(1, transaction)|];", "'await orders.SendAsync(1, transaction)'")]
    [InlineData("[|sender.SendAllAsync([1, 2], transaction)|];", "'await sender.SendAllAsync(")]
    [InlineData("[|sender.TrySendAsync(1, transaction)|];", "'await sender.TrySendAsync(1, transaction)'")]
    [InlineData("[|service.StartAsync(flow, [])|];", "'await service.StartAsync(")]
    [InlineData("[|intake.SendAsync(1)|];", "'await intake.SendAsync(1)'")]
    [InlineData("[|batch.SendAsync(1)|];", "'await batch.SendAsync(1)'")]
    [InlineData("[|batch.CloseAsync()|];", "'await batch.CloseAsync()'")]
    [InlineData("intake.SendAsync(1).AsTask().Wait(); _ = batch.SendAsync(1); intake.Complete();", null)]
    [InlineData("Action start = () => [|orders.StartAsync()|];", "'await orders.StartAsync()'")]
    [InlineData("[|orders?.SendAsync(1)|];", "'if (orders is not null) await orders.SendAsync(1)'")]
    [InlineData("[|orders.SendAsync(1).ConfigureAwait(false)|];", "'await orders.SendAsync(1).ConfigureAwait(")]
    [InlineData("[|orders?.SendAsync(1).ConfigureAwait(false)|];", "'if (orders is not null) await orders.SendAsync(1).ConfigureAwa")]
    [InlineData("var sent = [|orders.SendAsync(1)|];", "'await orders.SendAsync(1)'")]
    [InlineData("async Task SendAsync() { orders.SendAsync(1); [|orders?.SendAsync(1)|]; await Task.Yield(); } SendAsync().Wait();",
        "'if (orders is not null) await orders.SendAsync(1)'")]
    [InlineData("async Task SendAsync() { var sent = [|orders.SendAsync(1)|]; await Task.Yield(); } SendAsync().Wait();",
        "'await orders.SendAsync(1)'")]
    [InlineData("var start = orders.StartAsync(); start.Wait(); _ = orders.SendAsync(1);", null)]
    [InlineData("orders.SendAsync(1).AsTask().Wait(); orders.StartAsync().ContinueWith(_ => { });", null)]
    [InlineData("var sent = orders?.SendAsync(1).ConfigureAwait(false); sent?.GetAwaiter().GetResult();", null)]
    public async Task ATaskOfAConsecutorOrASupervisorThatIsDroppedIsReported(string statements, string? remedy)
    {
        ImmutableArray<Diagnostic> found = await Snippet.CheckAsync<UnawaitedRunAnalyzer>($$"""
            using Sluice;
            using Sluice.Flows;
            using Sluice.PostgreSql;
            static class Program
            {
                static void Begin(Consecutor<int> orders, ISender<int> sender, Supervisor service, Flow flow,
                    ManualSource<int> intake, ConsecutorBatch<int> batch, System.Data.Common.DbTransaction transaction)
                {
                    {{statements}}
                }
            }
            """, "SLU005");
        if (remedy is null) Assert.Empty(found);
        else Assert.Contains(remedy, Assert.Single(found).GetMessage(CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("await using var run = pipeline.Start(); Console.WriteLine(run.Snapshot());")]
    [InlineData("await using (var run = pipeline.Start()) { }")]
    [InlineData("await using PipelineRun run = pipeline.Start();")]
    [InlineData("var run = pipeline.Start(); await run.Completion;")]
    [InlineData("var run = pipeline.Start(); await run.StopAsync(TimeSpan.Zero).ConfigureAwait(false);")]
    [InlineData("var run = pipeline.Start(); try { } finally { await run.DisposeAsync(); }")]
    [InlineData("await pipeline.Start().Completion;")]
    [InlineData("PipelineRun? run = null; if (early) run = pipeline.Start(); if (run is not null) await run.Completion;")]
    [InlineData("PipelineRun? run = early ? pipeline.Start() : null; await (run?.Completion ?? Task.CompletedTask);")]
    [InlineData("var run = pipeline.Start(); var done = run.Completion; await done;")]
    [InlineData("var run = pipeline.Start(); Func<Task> stop = async () => await run.StopAsync(TimeSpan.Zero); await stop();")]
    [InlineData("var run = pipeline.Start(); await foreach (var n in run.Output<int>(\"n\").ReadAllAsync()) { }")]
    [InlineData("var runs = new List<PipelineRun> { pipeline.Start() };")]
    [InlineData("PipelineRun[] runs = [pipeline.Start()];")]
    [InlineData("var run = pipeline.Start(); var again = run; await again.Completion;")]
    [InlineData("kept = pipeline.Start();")]
    [InlineData("Watch(pipeline.Start());")]
    [InlineData("var run = pipeline.Start(); Watch(run);")]
    [InlineData("_ = pipeline.Start();")]
    [InlineData("Func<PipelineRun> start = () => pipeline.Start();")]
    [InlineData("Func<PipelineRun> start = () => { var run = pipeline.Start(); return run; };")]
    [InlineData("await pipeline.RunAsync();")]
    [InlineData("var run = pipeline.Start(); while (early) { run = early ? pipeline.Start() : run; Show(run.Snapshot()); } await "
        + "run.Completion;")]
    [InlineData("PipelineRun? run = null; while (early) { run = run ?? pipeline.Start(); Show(run.Snapshot()); } await "
        + "(run?.Completion ?? Task.CompletedTask);")]
    [InlineData("PipelineRun a = pipeline.Start(), b = a; while (early) { a = b; b = a; } await b.Completion;")]
    public Task AnAwaitedStoredOrPassedRunIsNotReported(string statements) =>
        CheckAsync(statements, "async Task");

    [Theory]
    [InlineData("Show(runs.First().Snapshot());")]
    [InlineData("var run = Find(\"nightly\"); Show(run.Snapshot());")]
    [InlineData("((PipelineRun)services.GetService(typeof(PipelineRun))!).CancelAsync();")]
    [InlineData("runs.Single().CancelAsync();")]
    public Task ARunThatWasStartedElsewhereIsNotReported(string statements) =>
        CheckAsync(statements.Replace("services.", "((IServiceProvider)null!).", StringComparison.Ordinal));

    [Fact]
    public Task FieldsAndExpressionBodiesAreAnalyzed() => Snippet.CheckAsync<UnawaitedRunAnalyzer>("""
        using Sluice; using Sluice.Graphs;
        class Service
        {
            private readonly PipelineRun run = Jobs.Nightly.Start();
            public PipelineRun Start() => Jobs.Nightly.Start();
            public void Fire() => [|Jobs.Nightly.Start()|];
        }
        static class Jobs { public static readonly Pipeline Nightly = Source.From([1]) | (n => { }); }
        """, "SLU005");

    [Fact]
    public Task TopLevelStatementsAreAnalyzed() => Snippet.CheckAsync<UnawaitedRunAnalyzer>("""
        using Sluice; using Sluice.Graphs;
        var run = [|Jobs.Nightly.Start()|];
        await using var other = Jobs.Nightly.Start();
        Console.WriteLine($"{run.Snapshot()} {other.Snapshot()}");
        static class Jobs { public static readonly Pipeline Nightly = Source.From([1]) | (n => { }); }
        """, "SLU005", kind: Microsoft.CodeAnalysis.OutputKind.ConsoleApplication);

    private static Task<ImmutableArray<Diagnostic>> CheckAsync(string statements, string modifiers = "") =>
        Snippet.CheckAsync<UnawaitedRunAnalyzer>(Snippet.InMethod(statements, Members, modifiers), "SLU005");
}
