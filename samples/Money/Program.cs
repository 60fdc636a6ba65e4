using Money;
using Sluice;

// Every sample is a file of its own: its inputs, its pipeline, its ledger. Statement.cs prints them.
(string Name, Func<RunOptions, Task<Statement>> RunAsync)[] samples =
[
    ("paycheck", Paycheck.RunAsync),
    ("mortgage", Mortgage.RunAsync),
    ("investment", Investment.RunAsync),
    ("budget", Budget.RunAsync),
    ("profit", Profit.RunAsync),
];

ExecutionMode? mode = args switch
{
    [_] or [_, "--mode", "multi"] => ExecutionMode.MultiThread,
    [_, "--mode", "single"] => ExecutionMode.SingleThread,
    _ => null,
};
var chosen = samples.Where(sample => args is ["all", ..] || (args is [var name, ..] && name == sample.Name)).ToArray();
if (mode is null || chosen.Length == 0)
{
    // One line, whatever the arguments are.
    var given = string.Concat(string.Join(' ', args).Select(character => char.IsControl(character) ? ' ' : character));
    Console.Error.WriteLine(
        $"money: name one of {string.Join(", ", samples.Select(sample => sample.Name))} or all; --mode single|multi may follow"
        + (given.Length == 0 ? "." : $". \"{given}\" is none of that."));
    return 2;
}

foreach (var sample in chosen)
{
    var statement = await sample.RunAsync(new RunOptions { Mode = mode.Value });
    statement.Print(Console.Out);
}

return 0;
