namespace Sluice;

/// <summary>How a stage writes to a named output.</summary>
internal static class OutputPush
{
    /// <summary>In a run that somebody follows, it hangs on the root of the item from here on; elsewhere it goes to whoever reads it.</summary>
    public static ValueTask PushAsync<T>(StageContext context, string name, T item, Ticket? ticket)
    {
        if (context.Run.Options.Following?.Outputs is not { } followed) return context.Run.Outputs.WriteAsync(context.Node, name, item, context.Token);
        Ticket? root = ticket ?? context.Ticket;
        ValueTask<IOutputItem?> prepared = followed.PrepareAsync(context.Node, name, item, root, context.Token);
        if (!prepared.IsCompletedSuccessfully) return StageAsync(prepared, root);
        prepared.Result?.Stage(root!);
        return default;
    }

    private static async ValueTask StageAsync(ValueTask<IOutputItem?> prepared, Ticket? root) => (await prepared)?.Stage(root!);
}
