using Sluice.Graphs;

namespace Sluice.Trimmed;

/// <summary>Steps, written and generated, in a scope that draws what has happened.</summary>
internal static partial class Steps
{
    [Step]
    public static async Task<string> FetchAsync(string id)
    {
        await Task.Yield();
        return id == "bad" ? throw new InvalidOperationException("there is no such page") : $"page {id}";
    }

    [Step("Join")]
    public static string JoinAll(string[] parts, Settled<string> last)
        => $"{string.Join(" + ", parts)}, {(last.Succeeded ? last.Value : last.Exception!.Message)}";

    public static async Task ShowAsync()
    {
        var length = Step.Of((string text) => text.Length);
        await using StepScope scope = StepScope.Begin();
        Future<string> joined = Join(new[] { Fetch("a"), Fetch("b") }, Fetch("bad"));
        Console.WriteLine($"{await joined}: {await length(joined)}");
        var show = Step.Of((object value) => $"{value}");
        Console.WriteLine(
            $"{await show(Task.FromResult(new DateOnly(2026, 1, 2)))} {await show(new ValueTask<int>(7))} {await show(joined)}");
        Console.WriteLine(string.Join(", ", scope.Topology.Nodes.Select(node => node.Name)));
    }
}
