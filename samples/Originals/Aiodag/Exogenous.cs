using Sluice.Graphs;

namespace Originals.Aiodag;

/// <summary>The original: a call waits for other calls whose results it does not take; such dependencies mix with arguments.</summary>
internal sealed partial class Exogenous(VirtualTime time)
{
    [Step]
    private Task StartAfterXSecondsAsync(double x) => time.Sleep(x);

    [Step]
    private async Task<string> FetchAsync()
    {
        await Task.Yield();
        time.Print("Fetched");
        return "data";
    }

    [Step]
    private async Task<string> ProcessAsync(string rawData)
    {
        await time.Sleep(1);
        time.Print("Processed");
        return "processed_" + rawData;
    }

    public static async Task RunAsync()
    {
        var time = new VirtualTime();
        string result = "";
        await time.RunAsync(async () => result = await new Exogenous(time).BuildAsync());

        Check.Equal("processed_data", result);
        Check.Lines("2.0 Fetched\n5.0 Processed", time.Lines);
    }

    private async Task<string> BuildAsync()
    {
        var fetchWait = StartAfterXSeconds(2);
        var processWait = StartAfterXSeconds(4);

        var f = Fetch(after: fetchWait);
        var p = Process(f, after: processWait);
        return await p;
    }
}
