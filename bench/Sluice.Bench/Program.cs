using Sluice;
using Sluice.Bench;

if (args is [Hop.ReaderOption, var address, var stream])
{
    await Hop.ReadAsync(address, stream);
    return 0;
}
if (args is [PostgresHop.ReaderOption, var server, var schema])
{
    await PostgresHop.ReadAsync(server, schema);
    return 0;
}
if (args is [Members.MemberOption, var members])
{
    await Members.ServeAsync(members);
    return 0;
}
if (args is [Watched.ServerOption, var dashboard])
{
    await Watched.ServeAsync(dashboard);
    return 0;
}
if (args is [Fusions.ChildOption, var shape, var off])
{
    await Fusions.RunChildAsync(shape, off);
    return 0;
}
if (await Worker.TryRunAsWorkerAsync(args, Processes.Body)) return 0;


var options = Options.Parse(args, Catalogue.Scenarios, out var misunderstanding);
if (options is null)
{
    Console.Error.WriteLine(misunderstanding);
    return 2;
}

if (options.Listing)
{
    Printer.Usage(Catalogue.Scenarios);
    return 0;
}

if (options.Cores is { } cores && cores < Environment.ProcessorCount)
    return Pinning.RunOn(cores, args);

if (options.Minutes is { } minutes) PostgresSustained.Length = TimeSpan.FromMinutes(minutes);
Printer.Machine(options);
var failed = false;
foreach (var scenario in options.Selected)
{
    Printer.Heading(scenario);
    var runner = new Runner(Schedule.For(options.Quick, Math.Max(1, scenario.Comparisons.Count)));
    var results = new List<Result>();
    if (scenario.MeasureAsync is { } measure)
    {
        try
        {
            results.AddRange(await measure(options.Quick));
        }
        catch (Exception problem)
        {
            Console.Error.WriteLine(Problem(scenario.Name, problem));
            failed = true;
        }
    }
    foreach (var comparison in scenario.Comparisons)
    {
        try
        {
            results.Add(await runner.MeasureAsync(comparison, options.Quick ? comparison.QuickCount : comparison.Count));
        }
        catch (Exception problem)
        {
            // The other scenarios still run.
            Console.Error.WriteLine(Problem(comparison.Name, problem));
            failed = true;
        }
    }

    Printer.Table(results);
    Printer.Gates(results);
    scenario.Finish?.Invoke();
    Printer.Lines(results);
}

return failed ? 1 : 0;

static string Problem(string name, Exception problem)
    => problem is WrongResultException ? $"wrong result: {problem.Message}" : $"{name} failed: {problem}";
