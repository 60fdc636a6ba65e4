using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Sluice.Flows;
using Sluice.Graphs;

namespace Sluice.Hosting.Tests;

/// <summary>Steps whose functions take services, and the supervisor itself as a service.</summary>
public class StepTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AStepGetsItsServiceFromAScopeOfEachCall()
    {
        using IHost host = Build(static sluice => sluice
            .AddStep("length", (Counter counter, string text, CancellationToken _) => Task.FromResult(text.Length * ++counter.Uses)));
        var length = host.Services.GetRequiredService<Step<string, int>>();
        Future<int> first = length("a"), second = length("bc");
        Assert.Equal((1, 2), (await first, await second));      // each has a counter of its own
    }

    [Fact]
    public async Task AStepOfTwoArgumentsTakesFutures()
    {
        using IHost host = Build(static sluice => sluice
            .AddStep("length", (Counter _, string text, CancellationToken _) => Task.FromResult(text.Length))
            .AddStep("sum", (Counter _, int left, int right, CancellationToken _) => Task.FromResult(left + right)));
        var length = host.Services.GetRequiredService<Step<string, int>>();
        var sum = host.Services.GetRequiredService<Step<int, int, int>>();
        Assert.Equal(5, await sum(length("ab"), length("cde")));
    }

    [Fact]
    public async Task AStepWithoutAResultRuns()
    {
        var seen = new List<string>();
        using IHost host = Build(sluice => sluice.AddStep("note", (Counter _, string text, CancellationToken _) =>
        {
            seen.Add(text);
            return Task.CompletedTask;
        }));
        await host.Services.GetRequiredService<StepAction<string>>()("a");
        Assert.Equal(["a"], seen);
    }

    [Fact]
    public async Task EachAttemptHasAScopeOfItsOwn()
    {
        int attempts = 0;
        using IHost host = Build(sluice => sluice.AddStep("work", (Counter counter, int number, CancellationToken _) =>
        {
            Assert.Equal(1, ++counter.Uses);
            return ++attempts < 3 ? throw new FormatException("not now") : Task.FromResult(number);
        }, static step => step.Retry(2)));
        Assert.Equal(7, await host.Services.GetRequiredService<Step<int, int>>()(7));
        Assert.Equal(3, attempts);
    }

    [Fact]
    public async Task StepsOfOneTypeAreAskedForByName()
    {
        using IHost host = Build(static sluice => sluice
            .AddStep("double", (Counter _, int number, CancellationToken _) => Task.FromResult(2 * number))
            .AddStep("square", (Counter _, int number, CancellationToken _) => Task.FromResult(number * number)));
        Assert.Equal(9, await host.Services.GetRequiredKeyedService<Step<int, int>>("square")(3));
        var mistake = Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<Step<int, int>>());
        Assert.Equal("Several steps have this type: double, square. Ask for one by its name: [FromKeyedServices(\"double\")].",
            mistake.Message);
    }

    [Fact]
    public void TwoStepsOfOneTypeNeedDifferentNames()
    {
        var mistake = Assert.Throws<ArgumentException>(() => Build(static sluice => sluice
            .AddStep("double", (Counter _, int number, CancellationToken _) => Task.FromResult(2 * number))
            .AddStep("double", (Counter _, int number, CancellationToken _) => Task.FromResult(2 * number))));
        Assert.StartsWith("Two steps of one type were added under the name double.", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheSupervisorItselfIsAServiceOfARunningHost()
    {
        using IHost host = Build(static sluice => sluice);
        var early = Assert.Throws<InvalidOperationException>(() => host.Services.GetRequiredService<Supervisor>());
        Assert.EndsWith("A constructor that runs earlier takes an ISupervisor.", early.Message, StringComparison.Ordinal);
        await host.StartAsync(Cancellation);
        var supervisor = host.Services.GetRequiredService<Supervisor>();
        Assert.Same(supervisor, host.Services.CreateScope().ServiceProvider.GetRequiredService<Supervisor>());
        Assert.Null(await supervisor.FindAsync("a", Cancellation));
        await host.StopAsync(Cancellation);
    }

    private static IHost Build(Func<SluiceBuilder, SluiceBuilder> add)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddScoped<Counter>();
        add(builder.Services.AddSluice());
        return builder.Build();
    }

    private sealed class Counter
    {
        public int Uses { get; set; }
    }
}
