namespace Sluice.Samples.Tests.Money;

/// <summary>The ledgers that split money, computed again in whole cents by formulas.</summary>
public sealed class SharingLedgerTests : MoneyRun
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

    /// <summary>Deposits and buckets are ranges on one line of cents. A bucket takes the part of a deposit that overlaps it.</summary>
    [Theory]
    [InlineData("single")]
    [InlineData("multi")]
    public Task TheBucketsFillUpOneAfterTheOther(string mode)
    {
        long[] deposits = [85_000, 85_000, 91_235, 85_000, 6_420, 12_055];
        long[] buckets = [120_000, 64_050, 18_575, 150_000];
        long Taken(int deposit, int bucket)
        {
            var begin = Math.Max(deposits[..deposit].Sum(), buckets[..bucket].Sum());
            var end = Math.Min(deposits[..(deposit + 1)].Sum(), bucket < 4 ? buckets[..(bucket + 1)].Sum() : long.MaxValue);
            return Math.Max(0, end - begin);
        }

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

        string[] Account(string name, int shares, long gain, long loss)
            => [name, $"{shares}", Money(gain), Money(loss), Money(gain + loss)];
        Assert.Equal(jobs.Sum(job => job.Profit), gains.Sum() + losses.Sum());
        return HasLedgerAsync(
            [
                ["account", "shares", "gains", "losses", "profit"],
                Account("Ada", 6, gains[0], losses[0]),
                Account("Ben", 6, gains[1], losses[1]),
                Account("company", 12, gains.Sum(), losses.Sum()),
            ],
            "profit", mode, "jobs | Tag\n├─ ", "Ada: Ada", "Ben: Ben", "company → ledger");
    }
}
