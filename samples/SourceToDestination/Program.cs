using System.CommandLine;
using Microsoft.Data.Sqlite;
using Sluice;
using Sluice.Graphs;
using SourceToDestination;

SQLitePCL.Batteries_V2.Init();
var database = new Option<string?>("--database")
{
    Description =
    "The SQLite file: what is in it is compared, or made where there is no such file. Unless given, a temporary one is made."
};
var source = new Option<string>("--source") { Description = "The table to compare.", DefaultValueFactory = _ => Tables.Original };
var target = new Option<string>("--target") { Description = "The table to compare it with.", DefaultValueFactory = _ => Tables.Copy };
var rows = new Option<int>("--rows") { Description = "How many orders a new file has.", DefaultValueFactory = _ => 30 };
rows.Validators.Add(result =>
{
    if (result.Tokens is [var given] && int.TryParse(given.Value, out int value) && value < 0) result.AddError("--rows is at least 0.");
});

var command = new RootCommand("Compares two tables of a SQLite file through a data flow: source, target | compare | (logger, notify).") {
    database, source, target, rows };
command.SetAction(async (arguments, cancellation) =>
{
    string file = arguments.GetValue(database) ?? Path.Combine(Path.GetTempPath(), $"orders-{Guid.NewGuid():N}.db");
    try
    {
        if (!File.Exists(file)) Tables.Make(file, arguments.GetValue(rows));
        // What the flow takes, by name; `log` is a value like any other.
        DataFlowOptions options = new() { Visibility = DataFlowVisibility.Initial, RecordTimings = true };
        DataFlowResult result = await Comparison.Flow.With(options).RunAsync(
            new { file, sourceTable = arguments.GetValue(source), targetTable = arguments.GetValue(target), log = Console.Out },
                cancellation);
        Console.WriteLine(result.Get<string>("notify"));
        Console.WriteLine($"\n{Comparison.Flow}\n\n{result.Topology.ToText()}");
        return 0;
    }
    catch (NodeFailedException e) when (e.InnerException is SqliteException)
    {
        return Fail(1, $"{e.Node}: {e.InnerException.Message}");
    }
    catch (SqliteException e)
    {
        return Fail(1, $"{file}: {e.Message}");
    }
    finally
    {
        if (arguments.GetValue(database) is null) File.Delete(file);
    }
});
ParseResult parsed = command.Parse(args);
return parsed.Errors.Count == 0 ? await parsed.InvokeAsync() : Fail(2, parsed.Errors[0].Message);

// One line, whatever was typed.
static int Fail(int exitCode, string message)
{
    Console.Error.WriteLine(
        $"source-to-destination: {string.Concat(message.Select(character => char.IsControl(character) ? ' ' : character))}");
    return exitCode;
}
