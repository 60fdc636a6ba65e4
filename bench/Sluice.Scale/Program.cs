using System.Diagnostics;
using System.Globalization;
using Sluice.Scale;

// Many hosts over one store, in virtual time: how many calls of the store they make, how evenly they share the work, and how long it takes
// until others have the work of hosts that died. Everything runs in this process: the store is in memory, behind a model of a network.
try
{
    if (ScaleOptions.Parse(args) is not { } options)
    {
        Console.WriteLine(ScaleOptions.Usage);
        return 0;
    }
    Console.WriteLine(options);
    var real = Stopwatch.StartNew();
    var cluster = new Cluster(options);
    IReadOnlyList<Phase> phases = await cluster.RunAsync();
    Report.Write(Console.Out, phases);
    Items items = cluster.Items;
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{cluster.Time.Elapsed.TotalSeconds:0} s of virtual time in "
        + $"{real.Elapsed.TotalSeconds:0} s: {items.Accepted} items accepted, {items.Lost} lost, {items.Repeated} processed again"));
    return items.Lost == 0 ? 0 : 1;
}
catch (InvalidOperationException stuck)
{
    Console.Error.WriteLine($"scale: {stuck.Message}");
    return 1;
}
catch (FormatException mistake)
{
    Console.Error.WriteLine($"scale: {mistake.Message}\n{ScaleOptions.Usage}");
    return 2;
}
