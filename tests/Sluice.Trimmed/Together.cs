using Sluice.Diagnostics;
using Sluice.Graphs;

namespace Sluice.Trimmed;

/// <summary>A graph as a stage of a pipeline, a pipeline as a step, and a consecutor that replays.</summary>
internal static class Together
{
    public static async Task ShowAsync()
    {
        Graph<Request> graph = Graphs.Build();
        await (Source.From([new Request(1), new Request(2)]) | graph | (context => Console.WriteLine(context["badge"]))).RunAsync();

        int tries = 0;
        await using var consecutor = new Consecutor<string>("letters",
            source => source | ((string text) =>
            {
                if (text == "poison" && tries++ < 9) throw new InvalidOperationException("poison");
                Console.WriteLine(text);
            }),
            new ConsecutorOptions { Delivery = DeliveryGuarantee.Replay(1, Backoff.None) });
        await consecutor.StartAsync();
        foreach (string text in new[] { "first", "poison", "last" })
        {
            await consecutor.SendAsync(text);
            await consecutor.WaitForIdleAsync();
        }
        await foreach (DeadLetter letter in consecutor.ListDeadLettersAsync()) Console.WriteLine($"{letter.Node}: {letter.Error}");
    }
}
