using System.CommandLine;
using Etl;

// Each example is a file of its own; Warehouse.cs has the steps.
(string Name, Func<Warehouse, Task> RunAsync)[] examples =
[
    ("etl", EtlExample.RunAsync),
    ("exogenous", ExogenousExample.RunAsync),
    ("dynamic", DynamicExample.RunAsync),
];

var unit = new Option<int>("--unit") { Description = "How many milliseconds a second of the examples takes, 1 to 10000.", HelpName = "MS", DefaultValueFactory = _ => 1000 };
unit.Validators.Add(given =>
{
    if (given.Errors.Any() || given.GetValueOrDefault<int>() is < 1 or > 10_000) given.AddError("--unit takes a whole number from 1 to 10000.");
});
var example = new Option<string>("--example") { Description = "Which of the examples to run; all of them unless given." };
example.AcceptOnlyFromAmong([.. examples.Select(each => each.Name)]);
var command = new RootCommand("Extract, transform, load: functions whose calls are a graph. Each starts the moment its last argument is there.") { unit, example };
command.SetAction(async parsed =>
{
    foreach (var (name, runAsync) in examples)
    {
        if (parsed.GetValue(example) is { } wanted && wanted != name) continue;
        Console.WriteLine($"# {name}\n");
        await runAsync(new Warehouse(TimeSpan.FromMilliseconds(parsed.GetValue(unit)), Console.Out));
        Console.WriteLine();
    }
});

var parsed = command.Parse(args);
if (parsed.Errors.Count == 0) return await parsed.InvokeAsync();
Console.Error.WriteLine($"etl: {string.Concat(parsed.Errors[0].Message.Select(character => char.IsControl(character) ? ' ' : character))}");
return 2;
