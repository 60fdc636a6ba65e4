// Task graphs: a function call is a node, an argument is an edge.
using Sluice;
using Sluice.Graphs;

static partial class Etl
{
    // [Step] writes the callable twin: Future<string> Fetch(Arg<string> id). The twin drops the suffix Async;
    // [Step("Name")] names it where there is no suffix to drop.
    [Step]
    private static async Task<string> FetchAsync(string id, CancellationToken cancellation)
    {
        await Task.Delay(SleepOf(id), cancellation);
        return id + "x";
    }

    [Step]
    private static async Task<string> ConcatenateAsync(string left, string right)
    {
        await Task.Delay(1000);
        return left + right;
    }

    [Step]
    private static async Task UploadAsync(string a, string b, string c) => await Task.Delay(1000);

    // A name is mandatory where there is no suffix to drop. A collection parameter becomes Args<string>.
    [Step("Join")]
    private static string JoinParts(string[] parts) => string.Join('+', parts);

    // Not decorated, perhaps not ours: wrapped where it is used.
    private static async Task<string> StripNumbersAsync(string text)
    {
        await Task.Delay(1000);
        return string.Concat(text.Where(c => !char.IsDigit(c)));
    }

    public static async Task RunAsync()
    {
        var strip = Step.Of<string, string>(StripNumbersAsync);

        var ca = Concatenate(Fetch("a1"), Fetch("a2"));
        var cb = Concatenate(Fetch("b1"), Fetch("b2"));
        var cc = Concatenate(Fetch("c1"), Fetch("c2"));
        var cab = Concatenate(ca, cb);                    // ca is used twice and runs once

        await Upload(strip(ca), strip(cab), strip(cc));   // awaiting is optional: every call is already scheduled
    }

    // Dependencies that are waited for, but not passed: every twin ends in `After? after = null`.
    public static async Task<string> AfterAsync(Future ready, Future<string> late)
    {
        var joined = Join([late, "plain values mix with futures"], after: ready);
        return await Step.Of<string, string>(StripNumbersAsync).After(ready, joined)(joined);
    }

    // A scope bounds concurrency, owns everything started in it, and can be drawn.
    public static async Task<string> ScopedAsync(IEnumerable<string> ids, CancellationToken cancellation)
    {
        await using var scope = StepScope.Begin(maxConcurrency: 8, cancellation);
        Future<string[]> all = Future.WhenAll(ids.Select(id => Fetch(id)));
        foreach (string text in await all)
            _ = Concatenate(text, "!");                   // dropped futures still run; the scope waits for them
        await scope.Completion;
        return scope.Topology.ToMermaid();
    }

    private static int SleepOf(string id) => id.Length;
}
