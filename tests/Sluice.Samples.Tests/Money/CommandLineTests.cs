namespace Sluice.Samples.Tests.Money;

public sealed class CommandLineTests : MoneyRun
{
    [Theory]
    [InlineData("")]
    [InlineData("mortgages")]
    [InlineData("Paycheck")]
    [InlineData("paycheck mortgage")]
    [InlineData("paycheck --mode")]
    [InlineData("paycheck --mode both")]
    [InlineData("--mode single")]
    [InlineData("two\nlines")]
    public async Task AMistakeIsReportedInOneLineWithTheNames(string commandLine)
    {
        var ended = await RunAsync(commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        Assert.Contains("paycheck, mortgage, investment, budget, profit or all", ended.OneErrorLine(2, "money"), StringComparison.Ordinal);
        Assert.Equal("", ended.Output);
    }

    [Fact]
    public async Task AllRunsEveryLedgerInTheListedOrder()
    {
        var all = (await RunAsync("all")).Succeeded().Output;

        var single = "";
        foreach (var name in new[] { "paycheck", "mortgage", "investment", "budget", "profit" })
            single += (await RunAsync(name, "--mode", "single")).Succeeded().Output;
        Assert.Equal(single, all);
    }
}
