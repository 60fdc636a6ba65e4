using static Sluice.Testing.Rig;

namespace Sluice.Testing;

/// <summary>Errors are texts of users: a message that is cut within an emoji ends with half a surrogate pair.</summary>
internal static class ErrorTextScenarios
{
    // 4,000 characters are kept; the last text has the two halves of a pair on both sides of that limit.
    private const int MaxError = 4000;

    private static readonly string[] ErrorTexts = ["x\ud83d", "\ude00x", "x\0y", "\ud83d\ude00",
        new string('a', MaxError - 1) + "\ud83d\ude00"];

    public static async Task AnErrorMayHaveAnyCharacters(Rig rig)
    {
        Ownership owner = await rig.LeaseNewAsync([.. ErrorTexts.Select((_, i) => $"e{i}")]);
        long commit = 0;
        foreach (bool kill in (bool[])[false, true])
        {
            await rig.CommitAsync(new(owner, ++commit)
            {
                Deferred = [.. ErrorTexts.Select((text, i) => new RetryWrite(i + 1, (int)commit, TimeSpan.Zero, "node", text))]
            });
            CheckErrors((await rig.Store.ListWaitingAsync(Main, 0)).Select(entry => entry.Error), "errors of retries");
            await LeaseAllAsync(rig, owner);
            await rig.CommitAsync(new(owner, ++commit)
            {
                Deferred = [.. ErrorTexts.Select((text, i) => new RetryWrite(i + 1, (int)commit, TimeSpan.Zero, "node", text))]
            });
            await rig.ReopenAsync(kill);
            (owner, PartitionState state) = await rig.TakeAsync("b");
            CheckErrors(state.Waiting.Select(entry => entry.Error), "errors after the store was opened again");
            await LeaseAllAsync(rig, owner);
        }
        await rig.CommitAsync(new(owner, ++commit)
        {
            Dead = [.. ErrorTexts.Select((text, i) => new DeadLetterWrite(i + 1, "node", text, 1))]
        });
        CheckErrors((await rig.Store.ListDeadAsync(Main)).Select(letter => letter.Error), "errors of dead letters");
    }

    private static async Task LeaseAllAsync(Rig rig, Ownership owner)
    {
        LeaseResult result = await rig.Store.LeaseAsync(new([owner]) { MaxItems = 100 });
        Expect.Equal(0, result.Damaged.Count, "damaged entries in a lease of retries");
        Expect.Equal(ErrorTexts.Length, result.Batches.Sum(batch => batch.Entries.Length), "leased retries");
    }

    // A store replaces what it cannot keep by U+FFFD. Some stores leave out the rest of a pair at the limit.
    private static void CheckErrors(IEnumerable<string> errors, string what)
    {
        string[] all = [.. errors];
        Expect.Equal(ErrorTexts.Length, all.Length, what);
        for (int i = 0; i < all.Length; i++)
        {
            string expected = ErrorTexts[i][..Math.Min(ErrorTexts[i].Length, MaxError)];
            string kept = all[i];
            bool isKept = kept.Length == expected.Length && Enumerable.Range(0, kept.Length).All(at => IsKept(expected, at, kept[at]));
            bool isCut = expected.Length == MaxError && kept == expected[..^1];
            Expect.True(isKept || isCut, $"{what}: the text of the error {i + 1} is kept ({kept.Length} of {expected.Length} characters)");
        }
    }

    private static bool IsKept(string expected, int at, char kept)
        => kept == expected[at] || (kept == '\uFFFD' && (expected[at] == '\0' || IsHalf(expected, at)));

    // Whether a character is a surrogate without its other half.
    private static bool IsHalf(string text, int at) => char.IsSurrogate(text[at])
        && !(at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]))
        && !(at > 0 && char.IsSurrogatePair(text[at - 1], text[at]));
}
