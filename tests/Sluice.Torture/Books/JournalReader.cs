using System.Globalization;

namespace Sluice.Torture;

/// <summary>Reads what the lives of a case have left, and adds it to the accounts.</summary>
internal static class JournalReader
{
    /// <summary>The number behind the highest one that was sent one by one: where the next life goes on.</summary>
    public static long NextNumber(string directory, int lives)
    {
        long next = 0;
        for (int life = 1; life <= lives; life++)
        {
            foreach (string[] words in Lines(directory, life))
                if (words[0] == "send" && Number(words[1]) is var number and < Case.FirstResumed) next = Math.Max(next, number + 1);
        }
        return next;
    }

    /// <summary>How often a life that came to its end has made each call.</summary>
    public static IReadOnlyDictionary<string, int> CallsOf(string directory, int life)
        => Lines(directory, life).Where(words => words[0] == "calls").ToDictionary(words => words[1], words => (int)Number(words[2]));

    public static Accounts Read(Case @case, string directory, int lives)
    {
        var accounts = new Accounts();
        for (int life = 1; life <= lives; life++) new Life(@case, accounts, isFirst: life == 1).Read(Lines(directory, life));
        return accounts;
    }

    // The last line may be torn: it has no end then.
    private static IEnumerable<string[]> Lines(string directory, int life)
    {
        string path = Journal.PathOf(directory, life);
        if (!File.Exists(path)) yield break;
        string text = File.ReadAllText(path);
        int whole = text.LastIndexOf('\n') + 1;
        foreach (string line in text[..whole].Split('\n', StringSplitOptions.RemoveEmptyEntries)) yield return line.Split(' ');
    }

    private static long Number(string word) => long.Parse(word, CultureInfo.InvariantCulture);

    private sealed class Life(Case @case, Accounts accounts, bool isFirst)
    {
        private readonly Dictionary<int, long> newestOfKey = [];
        private readonly HashSet<long> started = [];
        public void Read(IEnumerable<string[]> lines)
        {
            var isClean = false;
            foreach (string[] words in lines)
            {
                switch (words[0])
                {
                    case "send":
                        accounts[Number(words[1])].IsSent = true;
                        break;
                    case "ack":
                        accounts[Number(words[1])].IsAcknowledged = true;
                        break;
                    case "resumed":
                        for (long i = 0; i < @case.ResumedItems; i++) accounts[Case.FirstResumed + i].IsAcknowledged = true;
                        break;
                    case "start":
                        Start(Number(words[1]), (int)Number(words[2]), words[3]);
                        break;
                    case "fail":
                        accounts[Number(words[1])].Failures++;
                        break;
                    case "cure":
                        accounts.IsCured = true;
                        break;
                    case "redrive":
                        accounts.Redriven.Add(words[1]);
                        break;
                    case "claims":
                        accounts.Claims = [.. words.Skip(1).Select(Number)];
                        break;
                    case "problem":
                        accounts.Problems.Add(string.Join(' ', words.Skip(1)));
                        break;
                    case "stop":
                        Interrupt();
                        break;
                    case "end":
                        isClean = true;
                        break;
                }
            }
            if (isClean) return;
            accounts.KilledLives++;
            Interrupt();
        }

        // What was under way may have been started in vain, and its number be told again.
        private void Interrupt()
        {
            foreach (long number in started) accounts[number].Interruptions++;
            started.Clear();
            newestOfKey.Clear();
        }

        private void Start(long number, int attempt, string id)
        {
            Account account = accounts[number];
            account.HighestAttempt = Math.Max(account.HighestAttempt, attempt);
            account.Ids.Add(id);
            started.Add(number);
            if (account.Starts++ == 0 && isFirst) FollowsItsKey(number);
        }

        // What one sender has sent under one key gets its first start in that order, as long as nothing has gone wrong: in the first life.
        private void FollowsItsKey(long number)
        {
            if (!@case.HasKeys || @case.Senders > 1 || number >= Case.FirstResumed) return;
            int key = @case.WorkOf(number).Key;
            if (newestOfKey.TryGetValue(key, out long newest) && newest > number)
                accounts.Problems.Add($"item {number} of key {key} was started behind {newest}");
            newestOfKey[key] = Math.Max(newest, number);
        }
    }
}
