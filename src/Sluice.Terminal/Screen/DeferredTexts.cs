namespace Sluice.Progress.Screen;

/// <summary>
/// Writes texts to the console's own writers by the thread pool, in their order: the thread that has a text may hold the lock of another
/// writer, and so may not wait for these (<see cref="ProgressBoard"/>).
/// </summary>
/// <remarks>
/// Thread-safe. If a writer takes nothing, texts beyond a million characters are dropped, and so is what is left when the process ends.
/// </remarks>
internal sealed class DeferredTexts
{
    private const int MaxCharacters = 1_000_000;

    private readonly Lock gate = new();              // may be taken under any lock: nothing is called while it is held
    private readonly Queue<(TextWriter Writer, string Text)> texts = [];
    private int characters;
    private bool isWriting;

    public void Add(TextWriter writer, string text)
    {
        lock (gate)
        {
            if (characters + text.Length > MaxCharacters) return;
            texts.Enqueue((writer, text));
            characters += text.Length;
            if (isWriting) return;
            isWriting = true;
        }
        _ = WriteAsync();
    }

    // Never throws.
    private async Task WriteAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);        // out of the locks of the caller
        while (Next() is (var writer, var text))
        {
            try
            {
                writer.Write(text);
                writer.Flush();
            }
            catch (Exception)
            {
                // The program's own terminal is gone, too: there is no place for its lines.
            }
        }
    }

    private (TextWriter, string)? Next()
    {
        lock (gate)
        {
            isWriting = texts.TryDequeue(out (TextWriter Writer, string Text) next);
            characters -= next.Text?.Length ?? 0;
            return isWriting ? next : null;
        }
    }
}
