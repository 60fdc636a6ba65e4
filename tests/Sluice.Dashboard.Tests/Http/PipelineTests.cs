using Microsoft.Extensions.DependencyInjection;
using Sluice.Flows;
using Sluice.Hosting;
using Sluice.Testing;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Pipelines and producers of a host on the overview and on pages of their own.</summary>
public sealed class PipelineTests
{
    private const string Hostile = "<script>alert(1)</script>/import";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task PipelinesAndProducersOfTheHostAreShownWithoutBeingNamed()
    {
        IServiceProvider services = null!;
        await using DashboardProgram program = await DashboardProgram.StartAsync(new(), builder => builder.Services.AddSluice()
            .AddConsecutor<int>("numbers", static (_, source) => source | (static _ => { }))
            .AddProducer("numbers", static _ => Endless())
            .AddProducer("numbers", static _ => Endless())
            .AddPipeline(Hostile, static _ => Endless() | (static _ => { })), app => services = app.Services);
        using Viewer viewer = program.NewViewer();
        string overview = (await viewer.GetAsync("")).Text;
        Assert.DoesNotContain("<script>", overview, StringComparison.Ordinal);
        Assert.Contains("Everything works.", overview, StringComparison.Ordinal);
        foreach ((string title, string address) in ((string, string)[])
        [
            ("a producer of numbers", "a%20producer%20of%20numbers"),
            ("a producer of numbers (2)", "a%20producer%20of%20numbers%20%282%29"),
            ("&lt;script&gt;alert(1)&lt;/script&gt;/import", "%3Cscript%3Ealert%281%29%3C~1script%3E~1import"),
        ])
        {
            Assert.Contains($"href=\"/sluice/runs/{address}\">{title}</a>", overview, StringComparison.Ordinal);
            string page = (await viewer.GetAsync($"/runs/{address}")).Text;
            Assert.Contains($"<h1>{title}</h1>", page, StringComparison.Ordinal);
            Assert.Contains("<dd>running</dd>", page, StringComparison.Ordinal);
            Assert.Contains("data-node=\"0\"", page, StringComparison.Ordinal);
        }
        Assert.Equal(3, services.GetServices<IHostedPipeline>().Count());
    }

    [Fact]
    public async Task ARunThatFailedOrEndedOrHasNotStartedIsShownWithASentence()
    {
        IServiceProvider services = null!;
        await using DashboardProgram program = await DashboardProgram.StartAsync(new(), builder =>
        {
            builder.Services.AddSluice(static sluice => sluice.OnFailure = HostFailurePolicy.Degrade)
                .AddPipeline("broken", static _ => Source.From([1])
                    | (static int (int _) => throw new FormatException("<b>no good</b>")) | (static _ => { }))
                .AddPipeline("short", static _ => Source.From([1, 2, 3]) | (static _ => { }));
            builder.Services.AddSingleton<IHostedPipeline>(new Unstarted());
        }, app => services = app.Services);
        foreach (IHostedPipeline one in services.GetServices<IHostedPipeline>())
            if (one.Run is { } run) await run.Completion.ContinueWith(static _ => { }, TaskScheduler.Default).WaitAsync(Cancellation);
        using Viewer viewer = program.NewViewer();
        string overview = (await viewer.GetAsync("")).Text;
        Assert.Contains("1 pipeline does not work.", overview, StringComparison.Ordinal);
        foreach ((string name, string state, string sentence) in ((string, string, string)[])
        [
            ("broken", "failed", "&lt;b&gt;no good&lt;/b&gt;"), ("short", "completed", "Has completed."),
            ("later", "not started", "Has not started."),
        ])
        {
            string page = (await viewer.GetAsync($"/runs/{name}")).Text;
            Assert.Contains($"<dd>{state}</dd>", page, StringComparison.Ordinal);
            Assert.Contains(sentence, page, StringComparison.Ordinal);
            Assert.Contains(sentence, overview, StringComparison.Ordinal);
            Assert.DoesNotContain("<b>no", page + overview, StringComparison.Ordinal);
        }
        Assert.Contains("Items</dt><dd>3</dd>", (await viewer.GetAsync("/runs/short")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ARunThatIsNamedTwiceIsShownOnceAndANewRunUnderAnOldNameReplacesIt()
    {
        var clock = new TestClock();
        await using PipelineRun first = (Endless() | (static _ => { })).Start();
        await using PipelineRun second = (Endless() | (static n => n + 1) | Stage.Named("another") | (static _ => { })).Start();
        var hosted = new Unstarted { Run = first };
        Dictionary<string, PipelineRun> runs = new() { ["mine"] = first };
        await using DashboardProgram program = await DashboardProgram.StartAsync(new() { Runs = runs, Time = clock },
            builder => builder.Services.AddSingleton<IHostedPipeline>(hosted));
        using Viewer viewer = program.NewViewer();
        Assert.DoesNotContain("/runs/later", (await viewer.GetAsync("")).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("another", (await viewer.GetAsync("/runs/mine")).Text, StringComparison.Ordinal);
        runs["mine"] = second;
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Contains("/runs/later", (await viewer.GetAsync("")).Text, StringComparison.Ordinal);
        Assert.Contains("another", (await viewer.GetAsync("/runs/mine")).Text, StringComparison.Ordinal);
    }

    private static Source<int> Endless() => Source.From(Enumerable.Range(0, int.MaxValue))
        | (static async (int item, CancellationToken cancellation) =>
        {
            await Task.Delay(Timeout.Infinite, cancellation);
            return item;
        });

    private sealed class Unstarted : IHostedPipeline
    {
        public string Name => "later";

        public PipelineRun? Run { get; init; }
    }
}
