using Sluice.Graphs;

namespace Originals.Aiodag;

/// <summary>The original: calls are made in a loop, for as long as the event loop lives; each becomes part of the graph when it is
/// made.</summary>
internal sealed partial class Dynamic(VirtualTime time)
{
    private readonly List<string> results = [];

    [Step]
    private async Task<string> FetchAsync(string someId)
    {
        await time.Sleep(someId switch { "a1" => 1, "a2" => 2, "b1" => 4, _ => 0.5 });
        return someId + "x";
    }

    [Step]
    private async Task<string> ConcatenateAsync(string first, string second)
    {
        await time.Sleep(1);
        results.Add(first + second);
        return first + second;
    }

    public static async Task RunAsync()
    {
        var time = new VirtualTime();
        var example = new Dynamic(time);
        await time.RunAsync(example.LoopAsync);

        // Every half second from 0 to 10.5; the odd whole seconds are those of b.
        Check.Equal(17, example.results.Count(result => result == "a1xa2x"), "the number of a1xa2x");
        Check.Equal(5, example.results.Count(result => result == "b1xb2x"), "the number of b1xb2x");
        Check.Equal(14.0, time.Now, "the end");         // the last b begins at 9, and takes five seconds
    }

    private async Task LoopAsync()
    {
        while (true)
        {
            _ = Math.Round(time.Now) % 2 == 0
                ? Concatenate(Fetch("a1"), Fetch("a2"))
                : Concatenate(Fetch("b1"), Fetch("b2"));
            if (time.Now > 10) break;
            await time.Sleep(0.5);
        }
    }
}
