namespace Sluice.Samples.Tests.Money;

/// <summary>The ledgers again, in whole cents, from what the samples say they do: by formula, or by a plain loop.</summary>
public sealed class LedgerTests : MoneyRun
{
    [Theory]
    [InlineData("single")]
    [InlineData("multi")]
    public Task ThePaycheckIsSplitDollarForDollar(string mode)
    {
        const long Gross = 275_040;
        var retirement = Divide(Gross * 5, 100);
        var federal = Divide((100_000 * 10) + (150_000 * 12) + ((Gross - 250_000) * 22), 100);
        var social = Divide(Gross * 62, 1_000);
        var medicare = Divide(Gross * 145, 10_000);
        const long Health = 12_000;                  // 480 dollars, a quarter of each

        return HasLedgerAsync(
            [
                ["to", "dollars", "amount"],
                ["retirement", "2751", Money(retirement)],
                ["federal tax", "2751", Money(federal)],
                ["social security", "2751", Money(social)],
                ["medicare", "2751", Money(medicare)],
                ["health insurance", "480", Money(Health)],
                ["take home", "2751", Money(Gross - retirement - federal - social - medicare - Health)],
                ["gross pay", "2751", Money(Gross)],
            ],
            "paycheck", mode, "Retirement → group", "HealthInsurance → group");
    }

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

    /// <summary>A deposit and a bucket are stretches of one long row of cents: what a bucket takes of it is where the two overlap.</summary>
    [Theory]
    [InlineData("single")]
    [InlineData("multi")]
    public Task TheBucketsFillUpOneAfterTheOther(string mode)
    {
        long[] deposits = [85_000, 85_000, 91_235, 85_000, 6_420, 12_055];
        long[] buckets = [120_000, 64_050, 18_575, 150_000];
        long Taken(int deposit, int bucket) => Math.Max(0, Math.Min(deposits[..(deposit + 1)].Sum(), bucket < 4 ? buckets[..(bucket + 1)].Sum() : long.MaxValue)
            - Math.Max(deposits[..deposit].Sum(), buckets[..bucket].Sum()));

        return HasLedgerAsync(
            [
                ["deposit", "amount", "rent", "food", "power", "savings", "left over"],
                .. deposits.Select((amount, i) => Row($"{i + 1}", amount, Taken(i, 0), Taken(i, 1), Taken(i, 2), Taken(i, 3), Taken(i, 4))),
                Row("total", deposits.Sum(), 120_000, 64_050, 18_575, 150_000, deposits.Sum() - buckets.Sum()),
            ],
            "budget", mode, "rent | food | power | savings | left over");
    }

    [Theory]
    [InlineData("single")]
    [InlineData("multi")]
    public Task ThePartnersSharesAddUpToTheCompanysProfit(string mode)
    {
        (int WonBy, long Profit)[] jobs = [(0, 1_248_035 - 791_120), (1, 325_000 - 287_499), (0, 99_010 - 120_437),
            (1, 2_800_000 - 1_933_333), (1, 41_525 - 9_750), (0, 777_777 - 654_321)];
        var gains = new long[2];
        var losses = new long[2];
        foreach (var (wonBy, profit) in jobs)
        {
            var won = Divide(profit * 60, 100);
            var book = profit > 0 ? gains : losses;
            book[wonBy] += won;
            book[1 - wonBy] += profit - won;
        }

        string[] Account(string name, int shares, long gain, long loss) => [name, $"{shares}", Money(gain), Money(loss), Money(gain + loss)];
        Assert.Equal(jobs.Sum(job => job.Profit), gains.Sum() + losses.Sum());
        return HasLedgerAsync(
            [["account", "shares", "gains", "losses", "profit"],
                Account("Ada", 6, gains[0], losses[0]), Account("Ben", 6, gains[1], losses[1]), Account("company", 12, gains.Sum(), losses.Sum())],
            "profit", mode, "jobs | Tag | broadcast", "Ada: Ada", "Ben: Ben", "company → ledger");
    }

    /// <summary>The annuity formula knows no cents: every month's rounding is off by half a cent at most, and grows with the capital.</summary>
    private static void IsNearTheFormula(long cents, long start, double rate, long monthly, int months)
    {
        var growth = Math.Pow(1 + rate, months);
        var annuity = (growth - 1) / rate;
        Assert.InRange(cents - ((start * growth) + (monthly * annuity)), -0.5 * annuity - 0.01, (0.5 * annuity) + 0.01);
    }
}
