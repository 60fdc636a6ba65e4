namespace Sluice.Samples.Tests.Money;

/// <summary>The ledgers with interest, computed again in whole cents by a plain loop, and compared with the annuity formula.</summary>
public sealed class InterestLedgerTests : MoneyRun
{
    [Theory]
    [InlineData("single")]
    [InlineData("multi")]
    public Task TheMortgageIsPaidOffByTheLastOf360Payments(string mode)
    {
        const long Tax = 20_000, Insurance = 8_053, ForTheLoan = 100_000 - Tax - Insurance;
        long owed = 12_000_000, returned = 0, allInterest = 0, allRefunds = 0;
        List<string[]> rows = [["year", "tax", "insurance", "interest", "refund", "principal", "balance", "returned"]];
        for (var year = 1; year <= 30; year++)
        {
            var (interestOfYear, owedBefore) = (0L, owed);
            for (var month = 0; month < 12; month++)
            {
                var interest = Divide(owed * 6, 1_200);
                returned += Math.Max(0, ForTheLoan - interest - owed);
                owed = Math.Max(0, owed + interest - ForTheLoan);
                interestOfYear += interest;
            }

            var refund = Divide(interestOfYear * 22, 100);
            (allInterest, allRefunds) = (allInterest + interestOfYear, allRefunds + refund);
            rows.Add(Row($"{year}", 12 * Tax, 12 * Insurance, interestOfYear, refund, owedBefore - owed, owed, returned));
            if (year < 30) IsNearTheFormula(owed, 12_000_000, 0.06 / 12, -ForTheLoan, months: 12 * year);
        }

        Assert.Equal(0, owed);
        Assert.Equal(36_000_000, (360 * (Tax + Insurance)) + allInterest + 12_000_000 + returned);
        rows.Add(Row("total", 360 * Tax, 360 * Insurance, allInterest, allRefunds, 12_000_000, owed, returned));
        return HasLedgerAsync([.. rows], "mortgage", mode, "tax:", "insurance:", "TaxRefunder → MasterAggregator", "principal:");
    }

    [Theory]
    [InlineData("single")]
    [InlineData("multi")]
    public Task TheInvestmentGrowsByItsInterestLessTheFee(string mode)
    {
        const long Fee = 1_000;
        long[] hundredthsOfAPercent = [600, 600, 525, 410, 375, 375, 450, 500, 560, 635];
        long capital = 1_000_000, allInterest = 0;
        List<string[]> rows = [["year", "interest", "fees", "capital"]];
        for (var year = 1; year <= 10; year++)
        {
            var (rate, interestOfYear, before) = (hundredthsOfAPercent[year - 1], 0L, capital);
            for (var month = 0; month < 12; month++)
            {
                var interest = Divide(capital * rate, 120_000);
                capital += interest - Fee;
                interestOfYear += interest;
            }

            allInterest += interestOfYear;
            rows.Add(Row($"{year}", interestOfYear, 12 * Fee, capital));
            IsNearTheFormula(capital, before, rate / 120_000.0, -Fee, months: 12);
        }

        rows.Add(Row("total", allInterest, 120 * Fee, capital));
        return HasLedgerAsync([.. rows], "investment", mode, "months → zip", "CollectFee", "GrowCapital", "CollectInterest");
    }

    /// <summary>The annuity formula does not round. Each month rounds by at most half a cent, and this error grows with interest.</summary>
    private static void IsNearTheFormula(long cents, long start, double rate, long monthly, int months)
    {
        var growth = Math.Pow(1 + rate, months);
        var annuity = (growth - 1) / rate;
        Assert.InRange(cents - ((start * growth) + (monthly * annuity)), -0.5 * annuity - 0.01, (0.5 * annuity) + 0.01);
    }
}
