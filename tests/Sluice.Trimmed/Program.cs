using Money;
using Sluice;
using Sluice.Trimmed;

foreach (Func<RunOptions, Task<Statement>> run in (Func<RunOptions, Task<Statement>>[])
    [Paycheck.RunAsync, Mortgage.RunAsync, Investment.RunAsync, Budget.RunAsync, Profit.RunAsync])
    (await run(new())).Print(Console.Out);
await Graphs.ShowAsync();
await Steps.ShowAsync();
await Together.ShowAsync();
