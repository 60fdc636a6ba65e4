using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Sluice.Graphs;
using Sluice.Storage;

namespace Sluice.Architecture.Tests;

/// <summary>The table in docs/operations/metrics.md has exactly the instruments that exist.</summary>
public partial class MetricsPageTests
{
    [Fact]
    public async Task ThePageHasEveryInstrumentWithItsKindAndUnit()
    {
        IEnumerable<string> exist = (await InstrumentsAsync()).Select(static one
            => $"| `{one.Name}` | {one.GetType().Name.Split('`')[0]} | `{one.Unit}` |");
        IEnumerable<string> listed = (await File.ReadAllLinesAsync(Path.Combine(Repository.Root, "docs/operations/metrics.md"),
            TestContext.Current.CancellationToken)).Select(static line => line.Split(" | "))
            .Where(static cells => cells is [_, _, _, _, _] && cells[1].Split("Observable")[^1] is "Counter" or "UpDownCounter" or "Gauge"
                or "Histogram").Select(static cells => $"{cells[0]} | {cells[1]} | {cells[2]} |");

        Assert.Equal(exist.Order(StringComparer.Ordinal), listed);
    }

    /// <summary>The sources name spans and attributes as literals; <c>TelemetryNameTests</c> holds what is emitted.</summary>
    [Fact]
    public async Task ThePageHasEverySpanAndAttributeAndNoOtherName()
    {
        string page = Repository.Read("docs/operations/metrics.md");
        string sources = string.Concat(Repository.Files("src/Sluice", "*.cs").Select(Repository.Read));
        IEnumerable<string> emitted = [.. Span().Matches(sources).Concat(Attribute().Matches(
            Repository.Read("src/Sluice/Diagnostics/TelemetryNames.cs"))).Select(static name => name.Groups[1].Value),
            .. (await InstrumentsAsync()).Select(static one => one.Name)];
        IEnumerable<string> listed = Listed().Matches(page).Select(static name => name.Groups[1].Value);

        Assert.Equal(emitted.Distinct().Order(StringComparer.Ordinal), listed.Distinct().Order(StringComparer.Ordinal));
        IEnumerable<string> operations = page.Split('\n').Select(static line => line.Split(" | ")).Where(static cells => cells.Length == 4)
            .SelectMany(static cells => Listed().Matches(cells[1])).Select(static name => name.Groups[1].Value);
        Assert.Equal(Span().Matches(sources).Select(static name => name.Groups[1].Value).Distinct().Order(StringComparer.Ordinal),
            operations.Distinct().Order(StringComparer.Ordinal));
    }

    // Instruments come with the first use of what they measure.
    private static async Task<IEnumerable<Instrument>> InstrumentsAsync()
    {
        ConcurrentDictionary<string, Instrument> instruments = [];
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == "Sluice") instruments[instrument.Name] = instrument;
            },
        };
        listener.Start();
        foreach (Type type in typeof(MemoryStreamStore).Assembly.GetTypes().Where(static type => type.Namespace == "Sluice.Diagnostics"))
            RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        await using var store = new MemoryStreamStore();
        await using var consecutor = new Consecutor<int>("a", static source => source | (static _ => { }), new() { Store = store });
        await consecutor.StartAsync(TestContext.Current.CancellationToken);
        await consecutor.SendAsync(1, TestContext.Current.CancellationToken);
        await consecutor.WaitForIdleAsync(TestContext.Current.CancellationToken);
        GraphBuilder<int> graph = Graph.For<int>("b");
        graph.Add("c", static n => n);
        await graph.Build().ResolveAsync(1, TestContext.Current.CancellationToken);
        return instruments.Values;
    }

    [GeneratedRegex("""(?:Telemetry\.Start|Recorder\.Start|ContinuedSpan\.Begin|TracedAsync)\(\s*"(sluice\.[a-z.]+)""")]
    private static partial Regex Span();

    [GeneratedRegex("""const string \w+ = "([a-z]+\.[a-z_.]+)""")]
    private static partial Regex Attribute();

    [GeneratedRegex("`((?:messaging|sluice|error)\\.[a-z_.]+)`")]
    private static partial Regex Listed();
}
