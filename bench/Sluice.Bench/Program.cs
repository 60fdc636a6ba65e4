using System.Globalization;
using Sluice.Bench;

var options = Options.Parse(args, Catalogue.Scenarios, out var problem);
if (options is null)
{
    Console.Error.WriteLine(problem);
    return 2;
}

if (options.Listing)
{
    Printer.Usage(Catalogue.Scenarios);
    return 0;
}

if (options.Cores is { } cores && cores < Environment.ProcessorCount)
    return Pinning.RunOn(cores, args);

Printer.Machine(options);
var failed = false;
foreach (var scenario in options.Selected)
{
    Printer.Heading(scenario);
    var runner = new Runner(Schedule.For(options.Quick, scenario.Comparisons.Count));
    var results = new List<Result>();
    foreach (var comparison in scenario.Comparisons)
    {
        try
        {
            results.Add(await runner.MeasureAsync(comparison, options.Quick ? comparison.QuickCount : comparison.Count));
        }
        catch (WrongResultException wrong)
        {
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"wrong result: {wrong.Message}"));
            failed = true;
        }
    }

    Printer.Table(results);
    Printer.Gates(results);
    Printer.Lines(results);
}

return failed ? 1 : 0;
