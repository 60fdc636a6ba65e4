using System.CommandLine;
using System.Globalization;
using Etl;

// Each example is a file of its own; Warehouse.cs has the steps.
(string Name, Func<Warehouse, Task> RunAsync)[] examples =
[
    ("etl", EtlExample.RunAsync),
    ("exogenous", ExogenousExample.RunAsync),
    ("dynamic", DynamicExample.RunAsync),
];

var unit = new Option<string>("--unit")
{
    Description =
    "How many milliseconds a second of the examples takes, 1 to 10000; 1000 unless given.",
    HelpName = "MS"
};
var example = new Option<string>("--example") { Description = "Which of the examples to run; all of them unless given." };
example.AcceptOnlyFromAmong([.. examples.Select(each => each.Name)]);
var command =
    new RootCommand("Extract, transform, load: functions whose calls are a graph. Each starts the moment its last argument is there.") {
    unit, example };
command.SetAction(async parsed =>
{
    if (!int.TryParse(parsed.GetValue(unit) ?? "1000", NumberStyles.None, CultureInfo.InvariantCulture, out int ms)
        || ms is < 1 or > 10_000)
        return Fail($"--unit takes a whole number from 1 to 10000, not \"{parsed.GetValue(unit)}\".");
    foreach (var (name, runAsync) in examples)
    {
        if (parsed.GetValue(example) is { } wanted && wanted != name) continue;
        // Once for nobody, in milliseconds: what is measured below is the schedule, not the compiler at its first sight of the code.
        await runAsync(new Warehouse(TimeSpan.FromMilliseconds(1), TextWriter.Null));
        Console.WriteLine($"# {name}\n");
        await runAsync(new Warehouse(TimeSpan.FromMilliseconds(ms), Console.Out));
        Console.WriteLine();
    }
    return 0;
});

var parsed = command.Parse(args);
return parsed.Errors.Count == 0 ? await parsed.InvokeAsync() : Fail(parsed.Errors[0].Message);

// One line, whatever was typed.
static int Fail(string message)
{
    Console.Error.WriteLine($"etl: {string.Concat(message.Select(character => char.IsControl(character) ? ' ' : character))}");
    return 2;
}
